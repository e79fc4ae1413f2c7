/** Seconds that a step took, with one decimal. */
const since = (start: number): string => `${((Date.now() - start) / 1000).toFixed(1)} s`;

export type Step = <T>(name: string, act: () => Promise<T>) => Promise<T>;

/**
 * A test's step: a line `ok NAME`, or `not ok NAME`, what `tell` knows, and the end of the program; the bed goes away with
 * it. Returns what the step does.
 */
export const createStep =
  (tell: () => Promise<string>): Step =>
  async (name, act) => {
    const start = Date.now();
    try {
      const result = await act();
      console.log(`ok ${name} (${since(start)})`);
      return result;
    } catch (error) {
      console.log(`not ok ${name} (${since(start)}): ${error instanceof Error ? error.message : String(error)}`);
      console.log(await tell().catch(String));
      process.exit(1);
    }
  };
