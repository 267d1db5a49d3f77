/**
 * Queues the events for one open page, in order.
 *
 * A page on a sleeping computer reads nothing for hours. So its feed is bounded, and ends at the
 * limit; the browser then connects again and gets everything anew.
 */

export interface Feed<News> {
  push(news: News): void;
  close(): void;
  /** All pushed events, until the feed is closed; for one reader. */
  read(): AsyncGenerator<News, void>;
}

/** @param limit Maximum number of waiting events. */
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
