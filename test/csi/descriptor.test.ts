import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type FileDescriptor, flattenOfficial } from './descriptor/official.ts';
import { flattenOurs } from './descriptor/ours.ts';
import { ensureOfficialDescriptor } from './tools.ts';

test('our csi.proto has the names, numbers, types and options of the official CSI 1.13.0', {
  timeout: 600_000,
}, async () => {
  const json = readFileSync(await ensureOfficialDescriptor(), 'utf8');
  const official = flattenOfficial(JSON.parse(json) as FileDescriptor);
  expect(Object.keys(official).length).toBeGreaterThan(300);
  expect(flattenOurs()).toEqual(official);
});
