import type { AdminClient } from '../../admin/client.ts';
import type { Answer } from '../../cluster/index.ts';
import type { ClusterSession } from '../cli.ts';
import { EXIT } from '../failure.ts';
import { printable } from '../output/format.ts';
import { formatJson } from '../output/json.ts';
import { type Column, formatTable } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

interface Listing<T> {
  ask(client: AdminClient): Promise<T[]>;
  toJson(item: T): object;
  columns(items: readonly T[], terminal: Terminal): Column<T>[];
  none: string;
}

/** A list of every node's items, with the node first. */
export const listOverNodes =
  <T extends object>({ ask, toJson, columns, none }: Listing<T>) =>
  async (session: ClusterSession): Promise<void> => {
    const { cluster, terminal, json } = session;
    const answers = await cluster.askAll(ask);
    const rows = answers.flatMap((answer) =>
      'error' in answer ? [] : answer.value.map((item) => ({ node: answer.node, item })),
    );
    if (json) {
      terminal.out(formatJson(rows.map(({ node, item }) => ({ node, ...toJson(item) }))));
    } else if (rows.length === 0) {
      terminal.out(`${none}\n`);
    } else {
      const shown = columns(
        rows.map(({ item }) => item),
        terminal,
      );
      terminal.out(formatTable([nodeColumn, ...shown.map(ofItem)], rows, terminal.style));
    }
    reportSilent(session, answers);
  };

interface Row<T> {
  node: string;
  item: T;
}

const nodeColumn: Column<Row<unknown>> = { header: 'NODE', value: ({ node }) => node };

const ofItem = <T>({ value, style, ...rest }: Column<T>): Column<Row<T>> => ({
  ...rest,
  value: ({ item }) => value(item),
  ...(style === undefined ? {} : { style: ({ item }: Row<T>) => style(item) }),
});

/** Says which nodes did not answer, and lets the command end with a failure. */
export function reportSilent({ cli, terminal }: ClusterSession, answers: readonly Answer<unknown>[]): void {
  for (const answer of answers) {
    if (!('error' in answer)) continue;
    terminal.err(`berth: ${answer.error.code}: node ${answer.node}: ${printable(answer.error.message)}\n`);
    cli.exitCode = EXIT.failed;
  }
}

/** Says what of the cluster could not be read. */
export function reportUnread({ terminal }: ClusterSession, unread: readonly string[]): void {
  for (const one of unread) terminal.err(`berth: not read: ${printable(one)}\n`);
}
