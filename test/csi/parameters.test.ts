import { describe, expect, test } from 'vitest';
import { fsTypeOf, parseParameters, refuseMutableParameters, refuseParameters } from '../../src/csi/parameters.ts';

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

test('there are no mutable parameters', () => {
  expect(() => refuseMutableParameters({})).not.toThrow();
  expect(() => refuseMutableParameters({ iops: '3' })).toThrow('mutable parameter iops is not supported');
});
