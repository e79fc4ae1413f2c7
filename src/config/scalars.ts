import * as z from 'zod';
import { DURATION_EXPECTED, parseDuration, parseQuantity, QUANTITY_EXPECTED } from './quantity.ts';

/** Text that is there: an empty value is a mistake wherever Berth asks for text. */
export const text = z.string().min(1, 'expected text that is not empty');

/** Bytes. A plain number is taken as long as it is exact. */
export const quantity = z
  .union([text, z.number()], `expected ${QUANTITY_EXPECTED}`)
  .transform((value, context): bigint => {
    const bytes = parseQuantity(typeof value === 'number' && !Number.isSafeInteger(value) ? 'inexact' : String(value));
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: 'custom', message: `expected ${QUANTITY_EXPECTED}` });
    return z.NEVER;
  });

/** Milliseconds. */
export const duration = z.string(`expected ${DURATION_EXPECTED}`).transform((value, context): number => {
  const milliseconds = parseDuration(value);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  context.addIssue({ code: 'custom', message: `expected ${DURATION_EXPECTED}` });
  return z.NEVER;
});
