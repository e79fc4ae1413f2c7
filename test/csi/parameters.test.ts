import { describe, expect, test } from 'vitest';
import { fsTypeOf, parseMutableParameters, parseParameters, refuseParameters } from '../../src/csi/parameters.ts';

const coded = (code: string) => expect.objectContaining({ code });

describe('StorageClass parameters', () => {
  test('are all optional', () => {
    expect(parseParameters({})).toEqual({ thin: false, nodatacow: false });
    expect(parseParameters({ poolClass: 'fast', thin: 'true', nodatacow: 'true' })).toEqual({
      poolClass: 'fast',
      thin: true,
      nodatacow: true,
    });
    expect(parseParameters({ thin: 'false' })).toEqual({ thin: false, nodatacow: false });
  });
  test('keys of Kubernetes pass', () => {
    expect(parseParameters({ 'csi.storage.k8s.io/pvc/name': 'x', 'csi.storage.k8s.io/fstype': 'xfs' })).toEqual({
      thin: false,
      nodatacow: false,
    });
    expect(fsTypeOf({ 'csi.storage.k8s.io/fstype': 'xfs' })).toBe('xfs');
    expect(fsTypeOf({})).toBe('');
  });
  test.each(['fstype', 'Thin', 'berth.dev/thin', 'example.org/x', 'toString', ''])('%j is named and refused', (key) => {
    expect(() => parseParameters({ [key]: 'x' })).toThrow(
      expect.objectContaining({ code: 'PARAMETER_UNKNOWN', message: expect.stringContaining(`parameter ${key} `) }),
    );
  });
  test.each([{ thin: 'yes' }, { thin: '' }, { nodatacow: 'True' }, { poolClass: '' }])(
    '%j has a bad value',
    (parameters) => {
      expect(() => parseParameters(parameters as Record<string, string>)).toThrow(coded('PARAMETER_INVALID'));
    },
  );
});

test('snapshot classes have no parameters of ours', () => {
  expect(() => refuseParameters({ 'csi.storage.k8s.io/volumesnapshot/name': 'x' })).not.toThrow();
  expect(() => refuseParameters({ thin: 'true' })).toThrow(coded('PARAMETER_UNKNOWN'));
});

describe('mutable parameters', () => {
  test('are I/O limits, and what is not named or is max is not limited', () => {
    const given = { readBytesPerSecond: '10Mi', writeOperationsPerSecond: '500', writeBytesPerSecond: 'max' };
    expect(parseMutableParameters(given)).toEqual({ readBytesPerSecond: 10_485_760, writeOperationsPerSecond: 500 });
    expect(parseMutableParameters({})).toEqual({});
  });
  test.each([['iops'], ['ReadBytesPerSecond'], ['csi.storage.k8s.io/fstype']])('%s is not known', (key) => {
    expect(() => parseMutableParameters({ [key]: '1' })).toThrow(coded('PARAMETER_UNKNOWN'));
  });
  test.each([
    { readBytesPerSecond: '0' },
    { readBytesPerSecond: '-1' },
    { readBytesPerSecond: '' },
    { writeBytesPerSecond: '10 Mi' },
    { readOperationsPerSecond: '1k' },
    { writeOperationsPerSecond: '1.5' },
  ])('%j has a bad value', (given) => {
    expect(() => parseMutableParameters(given as Record<string, string>)).toThrow(coded('PARAMETER_INVALID'));
  });
});
