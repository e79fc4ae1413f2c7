import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig, parseControllerConfig } from '../../src/config/index.ts';
import { parseParameters } from '../../src/csi/parameters.ts';
import { type KubernetesObject, objectsOf, render, VALUE_SETS } from './chart.ts';

const machine = { hostname: 'n1', csiEndpoint: undefined };

/** The objects of a kind that the chart makes with a value set. */
async function rendered(values: (typeof VALUE_SETS)[number], kind: string): Promise<KubernetesObject[]> {
  return objectsOf(await render(values)).filter((object) => object.kind === kind);
}

describe.each(VALUE_SETS)('with the values %s', (values) => {
  it("each node's config is right", async () => {
    const maps = (await rendered(values, 'ConfigMap')).filter(({ metadata }) => metadata.name !== 'berth-controller');
    const daemons = await rendered(values, 'DaemonSet');
    expect(maps.map(({ metadata }) => metadata.name)).toEqual(daemons.map(({ metadata }) => metadata.name));
    for (const { data } of maps) expect(() => parseConfig(data['berth.yaml'], 'berth.yaml', { machine })).not.toThrow();
  });

  it("the controller's config is right, and has the addresses that the nodes and the Deployment have", async () => {
    const objects = objectsOf(await render(values));
    const byName = (kind: string, name: string) =>
      objects.find((object) => object.kind === kind && object.metadata.name === name)!;
    const config = parseControllerConfig(byName('ConfigMap', 'berth-controller')['data']['berth.yaml'], 'berth.yaml');
    const { metadata, spec } = byName('Service', 'berth-controller');
    expect(config.kubernetes.namespace).toBe(metadata.namespace);
    expect(config.fleet.names).toEqual([`${metadata.name}.${metadata.namespace}.svc`]);
    expect(spec.ports).toEqual([{ name: 'fleet', port: config.fleet.listen.port, targetPort: 'fleet' }]);
    const [{ ports, volumeMounts }] = byName('Deployment', 'berth-controller')['spec'].template.spec.containers;
    expect(ports).toEqual([
      { name: 'fleet', containerPort: config.fleet.listen.port },
      { name: 'metrics', containerPort: config.http.port },
    ]);
    expect(volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath)).toContain(dirname(config.csi.socket));
    for (const { kind, metadata: daemon, data } of objects) {
      if (kind !== 'ConfigMap' || daemon.name === 'berth-controller') continue;
      const { fleet } = parseConfig(data['berth.yaml'], 'berth.yaml', { machine });
      expect(fleet?.controller).toEqual({ host: config.fleet.names[0], port: config.fleet.listen.port });
    }
    expect(byName('ServiceAccount', config.kubernetes.nodeServiceAccount)).toBeDefined();
  });

  it('what the config names is mounted', async () => {
    const maps = new Map((await rendered(values, 'ConfigMap')).map(({ metadata, data }) => [metadata.name, data]));
    for (const { metadata, spec } of await rendered(values, 'DaemonSet')) {
      const config = parseConfig(maps.get(metadata.name)['berth.yaml'], 'berth.yaml', { machine });
      const [{ volumeMounts, ports }] = spec.template.spec.containers;
      const mounts = new Map<string, { mountPropagation?: string }>(
        volumeMounts.map((mount: { mountPath: string }) => [mount.mountPath, mount]),
      );
      const isMounted = (path: string) => [...mounts.keys()].some((folder) => path.startsWith(`${folder}/`));
      expect([config.csi.socket, config.admin.socket].filter((path) => !isMounted(path))).toEqual([]);
      expect(mounts.has(config.node.stateDir)).toBe(true);
      const shared = [...mounts].filter(([, { mountPropagation }]) => mountPropagation === 'Bidirectional');
      expect(shared.map(([path]) => config.csi.socket.startsWith(`${path}/`))).toEqual([true]);
      const directories = config.pools.flatMap(({ directory }) => directory ?? []);
      expect(directories.filter((path) => !mounts.has(path))).toEqual([]);
      expect(ports).toContainEqual({ name: 'metrics', containerPort: config.http.port });
      // Each mount is of a volume that is there, and each volume is used.
      const names = (list: { name: string }[]) => list.map(({ name }) => name).sort();
      expect(names(volumeMounts)).toEqual(names(spec.template.spec.volumes));
    }
  });

  it('Berth knows the parameters of each StorageClass', async () => {
    for (const { parameters } of await rendered(values, 'StorageClass')) {
      expect(parseParameters(parameters).poolClass).toBeTruthy();
    }
  });
});
