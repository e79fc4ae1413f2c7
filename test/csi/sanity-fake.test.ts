import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFakeVolumes } from './fake-volumes.ts';
import { runSanity } from './sanity.ts';
import { serveForTest } from './serve-fake.ts';
import { COMMON_SKIPS } from './skips.ts';

/** What csi-sanity says of the wire alone, before volumes in memory. */
test.each(['mount', 'block'] as const)('csi-sanity passes in memory, %s', async (accessType) => {
  const served = await serveForTest(createFakeVolumes({ makePaths: true }));
  try {
    const result = await runSanity({
      endpoint: `unix://${served.socket}`,
      name: accessType,
      workDir: join(served.folder, 'sanity'),
      accessType,
      sizes: { sizeBytes: 64n << 20n, expandedBytes: 128n << 20n },
      allowedSkips: COMMON_SKIPS,
    });
    expect(result.problems).toEqual([]);
    expect(result.passed).toHaveLength(91);
  } finally {
    await served.stop();
  }
});
