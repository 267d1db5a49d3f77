/**
 * Joins the stores of the partitions of one process, for commands and the dashboard (O16).
 *
 * A list has the rows of all of them; a row that is named is looked for in each. Rows that hold over all
 * partitions are in each store, so the first one answers for them. Notes and schedules have numbers that
 * no two partitions give. Other numbers get the partition as a remainder.
 */

import type { Partition } from "../../core/discord/partition.ts";
import { partitionNumber, rowNumberIn } from "../../core/partitions/numbers.ts";
import type { JudgedOnRecord } from "../../core/store/received.ts";
import type { Store } from "../../core/store/store.ts";

/** The store of a partition. */
export interface PartStore {
  readonly partition: Partition;
  readonly store: Store;
  /** Whether another process has it; then a read may fail. */
  readonly isElsewhere?: boolean;
}

/** Gets a partition that another process has, and that a list lacks because it cannot be read. */
export type OnLacking = (partition: Partition, error: unknown) => void;

/**
 * Joins stores. It is long because it is a list: one namespace after the other.
 *
 * @param first The store that answers for rows that each has.
 * @param parts The partitions at this moment; the first one never changes.
 * @param onLacking Called for each partition that a list lacks. A row that is named is an error then,
 * unless another partition has it.
 */
export function joinStores(
  first: Store,
  parts: () => readonly PartStore[],
  onLacking: OnLacking = () => {},
): Store {
  const here = () => parts().filter(({ isElsewhere }) => !isElsewhere);
  /** Partitions for reads of this process alone. Without a partition of its own, it reads all. */
  const own = () => {
    const some = here();
    return some.length > 0 ? some : parts();
  };
  const each = <T>(ask: AskPart<T>): Promise<readonly T[]> => eachOf(parts(), ask, onLacking);
  const lists = async <T>(ask: AskPart<readonly T[]>): Promise<readonly T[]> =>
    (await each(ask)).flat();

  /** The first answer that counts, with its store; those of this process come first. */
  async function find<T>(
    ask: (store: Store) => Promise<T>,
    counts: (answer: T) => boolean,
  ): Promise<{ readonly store: Store; readonly value: T } | undefined> {
    for (const { store } of here()) {
      const value = await ask(store);
      if (counts(value)) return { store, value };
    }
    const others = parts().filter(({ isElsewhere }) => isElsewhere);
    const asked = await Promise.allSettled(others.map(({ store }) => ask(store)));
    for (const [index, answer] of asked.entries()) {
      const store = others[index]?.store;
      if (store && answer.status === "fulfilled" && counts(answer.value)) {
        return { store, value: answer.value };
      }
    }
    const failed = asked.find((answer) => answer.status === "rejected");
    if (failed) throw failed.reason;
    return undefined;
  }

  /** The first answer that counts; that of the first store, if none does. */
  const found = async <T>(
    ask: (store: Store) => Promise<T>,
    counts: (answer: T) => boolean,
  ): Promise<T> => {
    const one = await find(ask, counts);
    return one ? one.value : await ask(first);
  };
  const ownEach = <T>(ask: AskPart<T>) => eachOf(own(), ask, onLacking);
  const ownLists = async <T>(ask: AskPart<readonly T[]>): Promise<readonly T[]> =>
    (await ownEach(ask)).flat();
  const isThere = (value: unknown) => value !== undefined;
  const isTrue = (value: boolean) => value;
  const hasAny = (list: readonly unknown[]) => list.length > 0;

  /** The store that has a session. */
  const storeOf = async (sessionKey: string): Promise<Store> =>
    (await find(({ sessions }) => sessions.newestOf(sessionKey, 1), hasAny))?.store ?? first;

  return {
    ...first,
    gateway: {
      ...first.gateway,
      accountIds: async () => [...new Set(await ownLists(({ gateway }) => gateway.accountIds()))],
      guildsOf: (accountId) => lists(({ gateway }) => gateway.guildsOf(accountId)),
      async loadAccount(accountId) {
        const account = await first.gateway.loadAccount(accountId);
        const all = await ownLists(async ({ gateway }) =>
          (await gateway.loadAccount(accountId)).shards
        );
        const byId = new Map(all.map((shard) => [shard.shardId, shard]));
        return { ...account, shards: [...byId.values()].sort((a, b) => a.shardId - b.shardId) };
      },
    },
    received: {
      ...first.received,
      newestVerdicts: (limit, before) => newestVerdicts(parts(), onLacking, limit, before),
      messageRecordOf: (asked) => found(({ received }) => received.messageRecordOf(asked), isThere),
      recentTurns: async (limit) =>
        (await lists(({ received }) => received.recentTurns(limit)))
          .toSorted((one, other) => other.finishedAt - one.finishedAt).slice(0, limit),
      askersNames: async () =>
        new Map((await each(({ received }) => received.askersNames())).flatMap((all) => [...all])),
      directChannels: (accountId) => lists(({ received }) => received.directChannels(accountId)),
    },
    turns: {
      ...first.turns,
      stepsOf: (messageId) => found(({ turns }) => turns.stepsOf(messageId), hasAny),
      entriesOf: (...asked) => found(({ turns }) => turns.entriesOf(...asked), hasAny),
    },
    sessions: {
      ...first.sessions,
      list: async () =>
        (await lists(({ sessions }) => sessions.list()))
          .toSorted((one, other) => other.lastAt - one.lastAt),
      page: async (key, ...asked) => (await storeOf(key)).sessions.page(key, ...asked),
      newestOf: async (key, limit) => (await storeOf(key)).sessions.newestOf(key, limit),
      checkpointsOf: async (key) => (await storeOf(key)).sessions.checkpointsOf(key),
      foldedOf: async (key) => (await storeOf(key)).sessions.foldedOf(key),
      reset: async (key, ...asked) => (await storeOf(key)).sessions.reset(key, ...asked),
    },
    outbox: {
      ...first.outbox,
      open: async (accountId) =>
        (await lists(async ({ outbox }, partition) =>
          (await outbox.open(accountId)).map((row) => ({
            ...row,
            id: partitionNumber(row.id, partition),
            ...(row.behind !== undefined && { behind: partitionNumber(row.behind, partition) }),
          }))
        )).toSorted((one, other) => one.createdAt - other.createdAt),
      async release(id, how) {
        const part = parts().find(({ partition }) => rowNumberIn(id, partition) !== undefined);
        const row = part && rowNumberIn(id, part.partition);
        return row === undefined ? false : await part?.store.outbox.release(row, how) ?? false;
      },
      async addAll(frozen, now) {
        const part = parts().find(({ store }) => store === first);
        const rows = await first.outbox.addAll(frozen, now);
        return rows.map((row) => ({
          ...row,
          id: part ? partitionNumber(row.id, part.partition) : row.id,
        }));
      },
      async sendResultsOf(ids) {
        const all = await lists(async ({ outbox }, partition) => {
          const own = ids.flatMap((id) => rowNumberIn(id, partition) ?? []);
          const results = own.length === 0 ? [] : await outbox.sendResultsOf(own);
          return results.map((one) => ({ ...one, id: partitionNumber(one.id, partition) }));
        });
        return ids.flatMap((id) => all.find((one) => one.id === id) ?? []);
      },
      parked: (...asked) => lists(({ outbox }) => outbox.parked(...asked)),
    },
    questions: {
      ...first.questions,
      open: (...asked) => lists(({ questions }) => questions.open(...asked)),
      decide: (deciding) =>
        found(({ questions }) => questions.decide(deciding), ({ kind }) => kind !== "unknown"),
    },
    schedules: {
      ...first.schedules,
      list: (...asked) => lists(({ schedules }) => schedules.list(...asked)),
      find: (id) => found(({ schedules }) => schedules.find(id), isThere),
      remove: (id) => found(({ schedules }) => schedules.remove(id), isTrue),
      pause: (id, by) => found(({ schedules }) => schedules.pause(id, by), isTrue),
      resume: (id, nextAt) => found(({ schedules }) => schedules.resume(id, nextAt), isTrue),
      ask: (id, now) => found(({ schedules }) => schedules.ask(id, now), isTrue),
      runsOf: (id, limit) => found(({ schedules }) => schedules.runsOf(id, limit), hasAny),
    },
    actions: {
      ...first.actions,
      runsOf: (messageId) => found(({ actions }) => actions.runsOf(messageId), hasAny),
      async useOf(rule, since) {
        const all = await each(({ actions }) => actions.useOf(rule, since));
        const last = all.flatMap((use) => use.last ?? [])
          .toSorted((one, other) => other.startedAt - one.startedAt)[0];
        return { count: all.reduce((sum, { count }) => sum + count, 0), ...(last && { last }) };
      },
    },
    sources: {
      trace: (messageId, channelId) =>
        found(
          ({ sources }) => sources.trace(messageId, channelId),
          (trace) => trace.turn !== undefined || trace.isOverheard || trace.entries.length > 0,
        ),
    },
    forgetting: {
      ...first.forgetting,
      // The first store tells the others of it, and those of other processes by themselves.
      vacuum: async () => void await ownEach(({ forgetting }) => forgetting.vacuum()),
    },
    upkeep: {
      ...first.upkeep,
      async extent() {
        const all = await ownEach(({ upkeep }) => upkeep.extent());
        const sum = (of: (one: (typeof all)[number]) => number) =>
          all.reduce((total, one) => total + of(one), 0);
        const oldest = (times: readonly (number | undefined)[]) => {
          const known = times.filter((at) => at !== undefined);
          return known.length === 0 ? undefined : Math.min(...known);
        };
        const oldestMessageAt = oldest(all.map((one) => one.oldestMessageAt));
        const oldestDecisionAt = oldest(all.map((one) => one.oldestDecisionAt));
        return {
          bytes: sum(({ bytes }) => bytes),
          freeBytes: sum(({ freeBytes }) => freeBytes),
          ...(oldestMessageAt !== undefined && { oldestMessageAt }),
          ...(oldestDecisionAt !== undefined && { oldestDecisionAt }),
        };
      },
    },
    catchUp() {
      for (const { store } of here()) store.catchUp();
    },
    close() {
      for (const { store } of here()) store.close();
    },
  };
}

/** Asks the store of one partition. */
type AskPart<T> = (store: Store, partition: Partition) => Promise<T>;

/**
 * The answers of all partitions that can be read, in the order of the partitions: so each process lists
 * equally new rows in one order.
 */
async function eachOf<T>(
  parts: readonly PartStore[],
  ask: AskPart<T>,
  onLacking: OnLacking,
): Promise<readonly T[]> {
  const failures: unknown[] = [];
  const inOrder = parts.toSorted((one, other) => one.partition.index - other.partition.index);
  const answers = await Promise.all(inOrder.map(async ({ store, partition, isElsewhere }) => {
    try {
      return [await ask(store, partition)];
    } catch (error) {
      if (!isElsewhere) throw error;
      failures.push(error);
      onLacking(partition, error);
      return [];
    }
  }));
  // Nothing at all would look like an empty store.
  if (failures.length > 0 && failures.length === parts.length) throw failures[0];
  return answers.flatMap<T>((one) => one);
}

/** One page of the verdicts of all partitions, the newest first. */
async function newestVerdicts(
  parts: readonly PartStore[],
  onLacking: OnLacking,
  limit: number,
  before: number | undefined,
): Promise<readonly JudgedOnRecord[]> {
  const cursor = before === undefined ? undefined : await cursorOf(parts, before);
  const pages = await eachOf(parts, async (store, partition) => {
    const start = cursor && await numberAt(store, partition, cursor);
    const rows = await store.received.newestVerdicts(limit, start);
    return rows.map((row) => ({
      row: { ...row, id: partitionNumber(row.id, partition) },
      partition,
    }));
  }, onLacking);
  return pages.flat()
    .toSorted((one, other) =>
      other.row.at - one.row.at || other.partition.index - one.partition.index ||
      other.row.id - one.row.id
    )
    .slice(0, limit).map(({ row }) => row);
}

/** The verdict before which a page begins. */
interface Cursor {
  readonly index: number;
  /** Its number in its own store. */
  readonly id: number;
  readonly at: number;
}

async function cursorOf(
  parts: readonly PartStore[],
  before: number,
): Promise<Cursor | undefined> {
  for (const { store, partition, isElsewhere } of parts) {
    const id = rowNumberIn(before, partition);
    if (id === undefined) continue;
    const [row] = await store.received.verdictsAfter(id - 1, 1).catch((error: unknown) => {
      if (!isElsewhere) throw error;
      return [];
    });
    if (row) return { index: partition.index, id, at: row.at };
  }
  return undefined; // its partition is another process's by now
}

/** The number of the first verdict of a partition that is no older than the cursor. */
async function numberAt(
  { received }: Store,
  { index }: Partition,
  cursor: Cursor,
): Promise<number> {
  if (index === cursor.index) return cursor.id;
  const isShown = (at: number) => at > cursor.at || (at === cursor.at && index > cursor.index);
  let low = 0;
  let high = ((await received.newestVerdicts(1))[0]?.id ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await received.verdictsAfter(middle, 1);
    if (!row || isShown(row.at)) high = middle;
    else low = middle + 1;
  }
  return low + 1;
}
