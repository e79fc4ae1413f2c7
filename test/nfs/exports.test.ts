import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NFS4 } from '../../src/nfs/protocol/status.ts';
import { type Files, putfh } from './client/files.ts';
import { op } from './client/session.ts';
import { type Harness, startHarness, VOLUME_ID } from './harness.ts';

let harness: Harness;
let files: Files;
let root: Buffer;

beforeEach(async () => {
  harness = await startHarness({ awaitsExports: true });
  files = await harness.files();
  root = await files.root('data');
});
afterEach(() => harness.close());

const status = async (...calls: Parameters<Files['session']['attempt']>[0]): Promise<number> =>
  (await files.session.attempt(calls)).status;
const lookup = (name: string): Promise<number> => status(op('PUTROOTFH', {}), op('LOOKUP', { name }));

describe('an export that is not there', () => {
  it('is waited for until all are', async () => {
    harness.server.removeExport('data');
    expect(await lookup('data')).toBe(NFS4.ERR_DELAY);
    expect(await status(putfh(root))).toBe(NFS4.ERR_DELAY);
    await harness.server.addExport('data', harness.data, VOLUME_ID);
    expect(await status(putfh(root))).toBe(NFS4.OK);
    harness.server.removeExport('data');
    harness.server.exportsAreThere();
    expect(await lookup('data')).toBe(NFS4.ERR_NOENT);
    expect(await status(putfh(root))).toBe(NFS4.ERR_STALE);
  });
});

describe('an export that is used locally', () => {
  it('is not while a client has come to it', async () => {
    expect(harness.server.useLocally('data')).toBe(false);
    await files.session.end();
    expect(harness.server.useLocally('data')).toBe(true);
  });

  it('keeps clients away until that ends', async () => {
    await files.session.end();
    harness.server.useLocally('data');
    files = await harness.files();
    expect(await lookup('data')).toBe(NFS4.ERR_ACCESS);
    expect(await status(putfh(root))).toBe(NFS4.ERR_ACCESS);
    harness.server.endLocalUse('data');
    expect(await lookup('data')).toBe(NFS4.OK);
    expect(harness.server.useLocally('data')).toBe(false);
  });
});
