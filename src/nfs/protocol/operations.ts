import { fileOperations } from './files.ts';
import type { AnyOperation, ArgumentsOf, ResultOf } from './operation.ts';
import { Op, operationName } from './operation-numbers.ts';
import { stateOperations } from './state.ts';

/** The operations that this server carries out. */
export const operations = { ...fileOperations, ...stateOperations };

export type Operations = typeof operations;
export type KnownOperation = keyof Operations;
export type Arguments<N extends KnownOperation> = ArgumentsOf<Operations[N]>;
export type Result<N extends KnownOperation> = ResultOf<Operations[N]>;

/** One operation of a compound. */
export type Call = { [N in KnownOperation]: { name: N; arguments: Arguments<N> } }[KnownOperation];

const byNumber = new Map<number, { name: KnownOperation; operation: AnyOperation }>();
for (const [name, operation] of Object.entries(operations)) {
  byNumber.set(Op[name as KnownOperation], { name: name as KnownOperation, operation });
}

export const findOperation = (number: number) => byNumber.get(number);

/** Whether NFSv4.1 has an operation of this number; one that it has and Berth does not is NOTSUPP. */
export const isLegal = (number: number): boolean => number !== Op.ILLEGAL && operationName(number) !== undefined;
