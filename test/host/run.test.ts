import { expect, test } from 'vitest';
import { type RunError, run } from '../../src/host/run.ts';

const node = process.execPath;
const script = (code: string): [string, string[]] => [node, ['-e', code]];
const failure = (promise: Promise<unknown>): Promise<RunError> =>
  promise.then(
    () => expect.fail('it did not fail'),
    (error: RunError) => error,
  );

test('gives output and exit code, with LC_ALL=C and nothing else of the environment', async () => {
  const result = await run(...script('console.log(process.env.LC_ALL, process.env.HOME); console.error("e")'), {
    timeoutMs: 20_000,
  });
  expect(result).toEqual({ exitCode: 0, stdout: 'C undefined\n', stderr: 'e\n', truncated: false });
});

test('takes arguments as they are, without a shell', async () => {
  const { stdout } = await run(node, ['-p', 'process.argv[1]', '$(id); `id` "*'], { timeoutMs: 20_000 });
  expect(stdout).toBe('$(id); `id` "*\n');
});

test('takes the exit codes that are an answer', async () => {
  expect((await run(...script('process.exit(2)'), { timeoutMs: 20_000, okCodes: [0, 2] })).exitCode).toBe(2);
});

test('fails with the exit code and what stderr says', async () => {
  const error = await failure(run(...script('console.error("no such thing"); process.exit(3)'), { timeoutMs: 20_000 }));
  expect(error).toMatchObject({ code: 'FAILED', exitCode: 3, stderr: 'no such thing\n' });
  expect(error.message).toContain('no such thing');
});

test('cuts output at the limit and says so', async () => {
  const result = await run(...script('process.stdout.write("x".repeat(5000))'), { timeoutMs: 20_000, maxBytes: 100 });
  expect(result).toMatchObject({ stdout: 'x'.repeat(100), truncated: true });
});

test('a program that is not there', async () => {
  expect(await failure(run('/nonexistent/tool', [], { timeoutMs: 1_000 }))).toMatchObject({ code: 'SPAWN_FAILED' });
});

test('ends a program that takes too long, its children and one that ignores SIGTERM', async () => {
  const stubborn = `process.on('SIGTERM', () => {});
    require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    setInterval(() => {}, 1000);`;
  // `close` comes only when every process that holds the pipes has ended.
  expect(await failure(run(...script(stubborn), { timeoutMs: 300 }))).toMatchObject({ code: 'TIMED_OUT' });
});

test('ends at an abort, also one before the start', async () => {
  const controller = new AbortController();
  const running = failure(
    run(...script('setInterval(() => {}, 1000)'), { timeoutMs: 20_000, signal: controller.signal }),
  );
  controller.abort();
  expect(await running).toMatchObject({ code: 'ABORTED' });
  expect(await failure(run(...script(''), { timeoutMs: 20_000, signal: controller.signal }))).toMatchObject({
    code: 'ABORTED',
  });
});

test('gives input', async () => {
  const { stdout } = await run('cat', [], { timeoutMs: 20_000, input: 'through' });
  expect(stdout).toBe('through');
});
