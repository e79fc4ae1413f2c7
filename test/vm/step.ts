/** A step of a guest's job: a line `ok NAME`, or `not ok NAME`, what `context` tells, and the end of the job. */
export const createStep =
  (context: () => string) =>
  async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    try {
      const result = await act();
      console.log(`ok ${name}`);
      return result;
    } catch (error) {
      console.log(`not ok ${name}: ${error instanceof Error ? error.message : JSON.stringify(error)}`);
      console.log(context());
      process.exit(1);
    }
  };
