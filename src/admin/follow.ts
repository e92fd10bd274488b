// The same answer again and again on one connection, a line of JSON each, for those who look on.

/**
 * @param every milliseconds between two lines
 * @param line makes one, without its end; whoever reads slowly gets fewer
 */
export function following(every: number, line: () => string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wake: (() => void) | undefined;
  let isFirst = true;
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!isFirst)
          await new Promise<void>((resolve) => {
            wake = resolve;
            timer = setTimeout(resolve, every);
          });
        isFirst = false;
        if (!isOver) controller.enqueue(encoder.encode(`${line()}\n`));
      },
      cancel() {
        isOver = true;
        clearTimeout(timer);
        wake?.();
      },
    },
    { highWaterMark: 0 },
  );
}
