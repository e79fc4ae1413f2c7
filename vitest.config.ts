import { defineConfig } from 'vitest/config';

/** Files that need root, loop devices or mounts, and such as must not run beside any other. */
const kernel = 'test/node/**/*.test.ts';
const alone = 'test/node/**/*.serial.test.ts';
/** Files that hold Berth against the official CSI modules, which Go brings. */
const conformance = ['test/csi/**/*sanity*.test.ts', 'test/csi/descriptor.test.ts'];
/** Files that need helm and Kubernetes' types, which Go brings. */
const deploy = 'test/deploy/**/*.test.ts';

export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [kernel, deploy, ...conformance, 'test/{vm,cluster,bench}/**'],
          testTimeout: 10_000,
          // By default one core is left free, which on two is half of them.
          maxWorkers: '100%',
        },
      },
      {
        test: { name: 'node', include: [kernel], exclude: [alone], testTimeout: 60_000, hookTimeout: 60_000, retry: 1 },
      },
      {
        test: {
          name: 'node-serial',
          retry: 1,
          include: [alone],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'csi',
          include: conformance,
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: { name: 'deploy', include: [deploy], testTimeout: 60_000, globalSetup: 'test/deploy/setup.ts' },
      },
    ],
  },
});
