import { expect, test } from 'vitest';
import { judge } from './sanity.ts';

const spec = (LeafNodeText: string, State: string, message = '') => ({
  ContainerHierarchyTexts: ['Group', 'RPC'],
  LeafNodeType: 'It',
  LeafNodeText,
  State,
  Failure: { Message: message },
});

test('all is well when what did not pass was to be expected', () => {
  const report = {
    SpecReports: [
      spec('works', 'passed'),
      spec('is off', 'pending'),
      spec('is not offered', 'skipped'),
      { ...spec('', 'passed'), ContainerHierarchyTexts: null, LeafNodeType: 'BeforeSuite' },
    ],
  };
  expect(judge(report, { 'Group RPC is off': 'why', 'Group RPC is not offered': 'why' })).toEqual({
    passed: ['Group RPC works'],
    failed: [],
    skipped: ['Group RPC is off', 'Group RPC is not offered'],
    problems: [],
  });
});

test('a failure, a skip that nobody allowed, and an entry that is out of date are problems', () => {
  const report = { SpecReports: [spec('works', 'passed'), spec('fails', 'panicked', 'why'), spec('skips', 'skipped')] };
  const result = judge(report, { 'Group RPC works': 'once it did not' });
  expect(result.failed).toEqual(['Group RPC fails']);
  expect(result.problems).toEqual([
    'failed: Group RPC fails: why',
    'skipped: Group RPC skips',
    'did not skip: Group RPC works',
  ]);
});

test('a run in which nothing passed is a problem', () => {
  expect(judge({ SpecReports: [] }, {}).problems).toEqual(['no spec passed']);
});
