import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type KubernetesObject, objectsOf, render, VALUE_SETS } from './chart.ts';
import { decodeStrictly } from './objects/decode.ts';

const examples = globSync(join(import.meta.dirname, '../../deploy/examples/*.yaml')).sort();

const namesOf = (objects: KubernetesObject[]): string[] =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

describe("every object is one of Kubernetes' own types", () => {
  it.each(VALUE_SETS)('of the chart with the values %s', async (values) => {
    const text = await render(values);
    expect(await decodeStrictly(text)).toEqual(namesOf(objectsOf(text)));
  });

  it.each(examples.map((file) => [basename(file), file]))('of the example %s', async (_, file) => {
    const text = readFileSync(file, 'utf8');
    expect(await decodeStrictly(text)).toEqual(namesOf(objectsOf(text)));
  });

  it('else it is told what is wrong', async () => {
    const wrong = 'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [], hostPid: true }\n';
    await expect(decodeStrictly(wrong)).rejects.toThrow('unknown field "spec.hostPid"');
  });
});

describe('an example', () => {
  it.each(examples.map((file) => [basename(file), file]))('%s keeps a quorum', (_, file) => {
    const objects = objectsOf(readFileSync(file, 'utf8'));
    const set = objects.find(({ kind }) => kind === 'StatefulSet')!;
    const labels = set['spec'].template.metadata.labels;
    expect(set['spec'].replicas).toBe(3);
    expect(set['spec'].selector.matchLabels).toEqual(labels);
    expect(set['spec'].persistentVolumeClaimRetentionPolicy).toEqual({ whenDeleted: 'Retain', whenScaled: 'Retain' });
    const [spread] = set['spec'].template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    expect(spread).toMatchObject({ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } });
    for (const { spec } of set['spec'].volumeClaimTemplates) expect(spec.storageClassName).toBe('fast');
    const budget = objects.find(({ kind }) => kind === 'PodDisruptionBudget')!;
    expect(budget['spec']).toEqual({ maxUnavailable: 1, selector: { matchLabels: labels } });
    const service = objects.find(({ metadata }) => metadata.name === set['spec'].serviceName)!;
    expect(service['spec']).toMatchObject({ clusterIP: 'None', selector: labels });
  });
});
