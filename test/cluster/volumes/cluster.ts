import type { Installation } from '../berth.ts';
import type { Kubectl } from '../kubectl.ts';
import { podOf, shell } from '../pods.ts';
import type { Step } from '../steps.ts';

/** What the tests of a folder share: a bed with Berth in it. */
export interface Cluster {
  kubectl: Kubectl;
  nodes: readonly string[];
  berth: Installation;
  step: Step;
}

export const onNode = (node: string): { nodeSelector: object } => ({
  nodeSelector: { 'kubernetes.io/hostname': node },
});

/** A pod that has each claim at the path of its key, and runs `script`. */
export const userOf = (
  name: string,
  claims: Readonly<Record<string, string>>,
  { script = 'exec sleep 3600', ...spec }: { script?: string } & Record<string, unknown> = {},
): object => {
  const entries = Object.entries(claims);
  return podOf(
    name,
    shell(script, { volumeMounts: entries.map((_, index) => ({ name: `v${index}`, mountPath: entries[index]![0] })) }),
    {
      volumes: entries.map(([, claimName], index) => ({ name: `v${index}`, persistentVolumeClaim: { claimName } })),
      ...spec,
    },
  );
};
