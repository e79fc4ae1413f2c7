/**
 * Makes dist/: the program berth.mjs and its parts, which each role loads as it needs them, the proto files, and koffi's native
 * part in dist/node_modules, where koffi finds it. With Node that is all an installation needs.
 * usage: node scripts/build.ts [FOLDER [ENTRY]]     another folder than dist/, and another program in berth.mjs than Berth
 */
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
const [folder = join(root, 'dist'), entry = 'src/main.ts'] = process.argv.slice(2);
const output = resolve(folder);
const native = `node_modules/@koromix/koffi-linux-${process.arch}`;

rmSync(output, { recursive: true, force: true });

await build({
  absWorkingDir: root,
  entryPoints: { berth: entry },
  outdir: output,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  chunkNames: 'parts/[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node26',
  // The text stays in memory as long as the program runs. Names are kept, and lines, for the traces in the log.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  logLevel: 'warning',
  // Libraries written as CommonJS ask for these three.
  banner: {
    js: [
      '#!/usr/bin/env node',
      "import { createRequire as createRequireOfBundle } from 'node:module';",
      'const require = createRequireOfBundle(import.meta.url);',
      'const { filename: __filename, dirname: __dirname } = import.meta;',
    ].join('\n'),
  },
});

chmodSync(join(output, 'berth.mjs'), 0o755);
cpSync(join(root, 'proto'), join(output, 'proto'), { recursive: true });
cpSync(join(root, native), join(output, native), { recursive: true });
