/**
 * What one open page has yet to be sent, in order.
 *
 * A page whose computer sleeps takes nothing for hours. Its feed is bounded, and
 * ends where it would grow: the browser connects again and gets all of it anew.
 *
 * @module
 */

export interface Feed<News> {
  push(news: News): void;
  close(): void;
  /** Everything that is pushed, until the feed is closed; for one reader. */
  read(): AsyncGenerator<News, void>;
}

/** @param limit Of what waits, at most. */
export function createFeed<News>(limit: number): Feed<News> {
  let waiting: News[] = [];
  let isClosed = false;
  let wake = () => {};
  const close = () => {
    isClosed = true;
    wake();
  };
  return {
    close,
    push(news) {
      if (isClosed) return;
      if (waiting.length >= limit) return close();
      waiting.push(news);
      wake();
    },
    async *read() {
      while (!isClosed) {
        const taken = waiting;
        waiting = [];
        yield* taken;
        if (waiting.length > 0 || isClosed) continue;
        await new Promise<void>((resolve) => wake = resolve);
      }
    },
  };
}
