import { shell } from '../../cluster/pods.ts';
import { statefulSetOf } from '../../cluster/storage.ts';

export const SET = 'app';
/** Objects that are there from the start and never become anything, so that a watch has something to show. */
export const STANDING = 'standing';
const CLAIM = 'data';
const SIZE = '32Mi';

/** What the volumes of a StatefulSet are. */
export type Variant = 'emptyDir' | 'Berth' | 'local-path';

/** With WaitForFirstConsumer, and with Immediate. */
export const CLASSES = {
  Berth: { waiting: 'fast', immediate: 'fast-now' },
  'local-path': { waiting: 'local-path', immediate: 'local-path-now' },
} as const;
export type Provisioner = keyof typeof CLASSES;
export const PROVISIONERS = Object.keys(CLASSES) as Provisioner[];

/** Replicas that write once to their volume, made at once, all alike but for the volume. */
export function setOf(variant: Variant, replicas: number): object {
  const storageClass = variant === 'emptyDir' ? '' : CLASSES[variant].waiting;
  const set = statefulSetOf(SET, {
    replicas,
    container: shell('echo here >/data/file; exec sleep 3600'),
    claims: [{ name: CLAIM, path: '/data', storageClass, size: SIZE }],
  }) as {
    spec: {
      persistentVolumeClaimRetentionPolicy: unknown;
      volumeClaimTemplates: unknown;
      template: { spec: { volumes?: object[] } };
    };
  };
  // Its default: else the StatefulSet's controller spends its requests on making the pods owners of their claims.
  set.spec.persistentVolumeClaimRetentionPolicy = undefined;
  if (variant === 'emptyDir') {
    set.spec.volumeClaimTemplates = [];
    set.spec.template.spec.volumes = [{ name: CLAIM, emptyDir: {} }];
  }
  return set;
}

/** A claim whose node is chosen, as the scheduler writes it down, and that no pod uses. */
export const claimOn = (name: string, node: string, provisioner: Provisioner): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, annotations: { 'volume.kubernetes.io/selected-node': node } },
  spec: {
    storageClassName: CLASSES[provisioner].immediate,
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: SIZE } },
  },
});
