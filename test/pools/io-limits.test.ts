import { expect, test } from 'vitest';
import type { PoolCore } from '../../src/pools/core.ts';
import { applyIoLimits, ioLimitProblems, podOf } from '../../src/pools/io-limits.ts';
import type { ObjectRow } from '../../src/pools/ledger.ts';

const POD = '0b1c2d3e-0000-4000-8000-000000000001';

/** A volume that is published for a pod that has no control group on this machine. */
function published() {
  let now = 0;
  const core = {
    layout: { place: () => ({}) },
    backend: {
      suffix: '.img',
      attachedDevice: () => '/dev/loop0',
      mountsOf: () => [{ mountPoint: `/var/lib/kubelet/pods/${POD}/volumes/kubernetes.io~csi/pvc-1/mount` }],
    },
    unlimited: new Map(),
    now: () => now,
  } as unknown as PoolCore;
  const row = (ioLimits: object) => ({ uuid: 'a', kind: 'volume', generation: 1, ioLimits }) as ObjectRow;
  const later = (): void => {
    now += 60_000;
  };
  return { core, row, later };
}

test('limits that do not hold are told after a while', () => {
  const { core, row, later } = published();
  const limited = row({ readBytesPerSecond: 1 });
  applyIoLimits(core, limited);
  expect(ioLimitProblems(core, limited)).toEqual([]);
  later();
  expect(ioLimitProblems(core, limited)).toMatchObject([{ reason: 'IoLimitsMissing' }]);
});

test('where there are none, none are missing', () => {
  const { core, row, later } = published();
  applyIoLimits(core, row({ readBytesPerSecond: 1 }));
  applyIoLimits(core, row({}));
  later();
  expect(ioLimitProblems(core, row({}))).toEqual([]);
});

test.each([
  [`/var/lib/kubelet/pods/${POD}/volumes/kubernetes.io~csi/pvc-1/mount`, POD],
  [`/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/publish/pvc-1/${POD}`, POD],
  ['/var/lib/kubelet/plugins/kubernetes.io/csi/csi.berth.dev/0f/globalmount', undefined],
  ['/mnt/data', undefined],
])('%s is of pod %s', (path, pod) => expect(podOf(path)).toBe(pod));
