import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/observe/index.ts';
import { redact } from '../../src/observe/redact.ts';

function collect(level: 'debug' | 'info') {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ level, destination: { write: (line) => lines.push(JSON.parse(line)) } });
  return { log, lines };
}

describe('redact', () => {
  test('hides what is sensitive, at any depth, and leaves the rest', () => {
    const request = {
      volume_id: 'v',
      secrets: { user: 'u', password: 'p' },
      volume_context: { shown: 'yes', 'csi.storage.k8s.io/serviceAccount.tokens': '{"token":"t"}' },
      volume_capabilities: [{ mount: { fs_type: 'ext4', mount_flags: ['password=p'] } }],
      absent: null,
    };
    expect(redact(request)).toEqual({
      volume_id: 'v',
      secrets: '[redacted]',
      volume_context: { shown: 'yes', 'csi.storage.k8s.io/serviceAccount.tokens': '[redacted]' },
      volume_capabilities: [{ mount: { fs_type: 'ext4', mount_flags: '[redacted]' } }],
      absent: null,
    });
    expect(request.secrets.password).toBe('p');
  });
  test('shows that there was nothing to hide', () => {
    const request = { secrets: {}, mount: { mount_flags: [] } };
    expect(redact(request)).toEqual(request);
  });
});

describe('logger', () => {
  test('writes a JSON line with level and time by name', () => {
    const { log, lines } = collect('info');
    log.debug('not shown');
    log.warn({ pool: 'p' }, 'text');
    expect(lines).toEqual([
      { level: 'warn', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), pool: 'p', msg: 'text' },
    ]);
  });
  test('redacts requests, in child loggers too', () => {
    const { log, lines } = collect('debug');
    log.child({ room: 'csi' }).info({ request: { secrets: { a: 'hunter2' } } }, 'call');
    expect(lines[0]).toMatchObject({ room: 'csi', request: { secrets: '[redacted]' } });
  });
  test('has the causes of an error', () => {
    const { log, lines } = collect('info');
    const inner = Object.assign(new Error('inner', { cause: 'text from a thread' }), { code: 'EIO' });
    log.error({ err: new TypeError('outer', { cause: inner }) });
    expect(lines[0]).toMatchObject({
      err: {
        type: 'TypeError',
        message: 'outer',
        stack: expect.stringContaining('logger.test.ts'),
        cause: { message: 'inner', code: 'EIO', cause: 'text from a thread' },
      },
    });
  });
});
