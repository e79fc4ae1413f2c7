import { expect, test } from 'vitest';
import { createLocalTopology } from '../../src/csi/topology.ts';

const local = createLocalTopology({ name: 'n1', zone: 'z1' });
const node = (name: string) => ({ segments: { 'topology.berth.dev/node': name } });
const zone = (name: string) => ({ segments: { 'topology.berth.dev/zone': name } });

test('a node tells its name, and zone and region only when it has them', () => {
  expect(local.topology.segments).toEqual({ 'topology.berth.dev/node': 'n1', 'topology.berth.dev/zone': 'z1' });
  expect(createLocalTopology({ name: 'n', region: 'r' }).topology.segments).toEqual({
    'topology.berth.dev/node': 'n',
    'topology.berth.dev/region': 'r',
  });
});

test.each(['x'.repeat(64), `${'long.'.repeat(30)}example`, 'ends-with-', 'ünïcode', 'a b'])(
  '%s becomes a value that labels can have, the same each time',
  (name) => {
    const value = () => createLocalTopology({ name }).topology.segments['topology.berth.dev/node']!;
    expect(value()).toMatch(/^[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/);
    expect(value()).toBe(value());
    expect(value()).not.toBe(createLocalTopology({ name: `${name}2` }).topology.segments['topology.berth.dev/node']);
  },
);

test('a name of 63 characters stays', () => {
  expect(createLocalTopology({ name: 'x'.repeat(63) }).isIn(node('x'.repeat(63)))).toBe(true);
});

test.each([
  [null, true],
  [{ segments: {} }, true],
  [node('n1'), true],
  [zone('z1'), true],
  [{ segments: { 'TOPOLOGY.berth.dev/Zone': 'z1' } }, true],
  [node('n2'), false],
  [{ segments: { ...node('n1').segments, ...zone('z2').segments } }, false],
  [{ segments: { 'example.org/rack': 'r' } }, false],
  [{ segments: { constructor: 'x' } }, false],
])('whether the node is in %j: %s', (topology, expected) => {
  expect(local.isIn(topology)).toBe(expected);
});

const elsewhere = expect.objectContaining({ code: 'TOPOLOGY_ELSEWHERE', status: 'RESOURCE_EXHAUSTED' });

test.each([
  null,
  { requisite: [node('n1')], preferred: [] },
  { requisite: [node('n2'), node('n1')], preferred: [node('n2')] },
  { requisite: [], preferred: [node('n2')] },
])('%j can be met', (requirement) => {
  expect(() => local.check(requirement, 'accessibility_requirements')).not.toThrow();
});

test('a requirement that leaves the node out is refused, so that the scheduler tries another', () => {
  const requirement = { requisite: [node('n2')], preferred: [node('n1')] };
  expect(() => local.check(requirement, 'accessibility_requirements')).toThrow(elsewhere);
});

test('an empty requirement is malformed', () => {
  expect(() => local.check({ requisite: [], preferred: [] }, 'accessibility_requirements')).toThrow(
    'accessibility_requirements.requisite is missing',
  );
});
