import type { Command } from 'commander';
import type { Explanation } from '../../cluster/index.ts';
import { textArgument } from '../arguments.ts';
import { type Cli, type ClusterSession, withCluster } from '../cli.ts';
import { printable } from '../output/format.ts';
import { formatJson } from '../output/json.ts';
import { addGroup, examples } from './help.ts';

export function addExplainCommands(program: Command, cli: Cli): void {
  const explain = addGroup(
    program,
    'explain',
    'Tell in plain words why something in a cluster is as it is.',
    'berth explain pvc data-db-0',
  );

  explain
    .command('pvc')
    .description('Tell why a claim is pending, or where it is bound.')
    .argument('<claim>', 'name of the PersistentVolumeClaim', textArgument)
    .option('-n, --namespace <name>', "the claim's; that of the context when absent", textArgument)
    .addHelpText('after', examples('berth explain pvc data-db-0', 'kubectl berth explain pvc data-db-0 -n databases'))
    .action(withCluster(cli, explainPvc));
}

async function explainPvc(session: ClusterSession, name: string, options: { namespace?: string }): Promise<void> {
  const { cluster, terminal, json } = session;
  const { explainClaim, gatherFacts } = await import('../../cluster/index.ts');
  const explanation = explainClaim(await gatherFacts(cluster, options.namespace ?? cluster.api.namespace, name));
  terminal.out(json ? formatJson(explanation) : explanationText(session, explanation));
}

function explanationText({ terminal }: ClusterSession, told: Explanation): string {
  const section = (title: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : `\n${title}\n${lines.map((line) => `  - ${printable(line)}\n`).join('')}`;
  return [
    `claim ${told.claim} is ${told.phase}\n`,
    `${terminal.style('bold', printable(`${told.cause}.`))} [${told.code}]\n`,
    section('What to do', told.advice),
    section('Evidence', told.evidence),
    section('Then there would be', told.also),
    section('Not read, for want of rights or an answer', told.unread),
  ].join('');
}
