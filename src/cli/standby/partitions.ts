/**
 * Shares the partitions of a bot with other processes (O16): keeps copies of those that others own,
 * takes what is this process's part, and gives up what is another one's. A store that is not divided
 * is one partition, whose file is in the data directory itself (O15).
 *
 * `flows/partitions/` decides. A process that cannot go on with a partition ends, as after a lost
 * lease: the others take over all that it has.
 */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSharing } from "../../flows/partitions/sharing.ts";
import { DATABASE_NAME, MAIN_NAME, PARTITIONS_NAME } from "../../host/files/data_dir.ts";
import { shareIdentifies } from "../../store/replica/identifies.ts";
import { createArrivals } from "../../store/replica/arrivals.ts";
import type { Meeting } from "../../store/replica/members.ts";
import { createRemote, type Remote, type RemoteState } from "../../store/replica/remote.ts";
import { asRemoteError, RemoteError } from "../../store/replica/remote_error.ts";
import { fleetStateOf, joinedStateOf, sharedStateOf } from "../../store/replica/report.ts";
import type { SharedStoreState } from "../../core/shared_store.ts";
import type { Follower } from "../../store/database/durability.ts";
import type { Store } from "../../core/store/store.ts";
import { schedule } from "../../lib/clock.ts";
import { createCandidate } from "./candidate.ts";
import { createEventRouter, type EventRouter } from "./arrivals.ts";
import type { Partition } from "../../core/discord/partition.ts";
import type { PartStore } from "../../store/shared/joined_store.ts";
import { alsoTelling, createExchange } from "./exchange.ts";
import type { StandbyState } from "./health.ts";
import { type JoinOptions, openTables, placeOf } from "./join.ts";
import { exchangeEventsOf, type OwnedPartition, type PartitionedBot } from "./owned_partition.ts";
import { createFleetInvalid } from "./invalid_requests.ts";
import { atMost, createTurn, SHOW_MS } from "./turn.ts";
import { StartError } from "../shared/exit_code.ts";
import { createAsking } from "../asking/asking.ts";
import type { WaitingFleet } from "../asking/fleet_store.ts";
import { STOP_EXTRA_MS } from "../../host/process/end_process.ts";
import { forgetRestored } from "../../host/files/restored_partitions.ts";
import { assertRestoredWhole, startErrorOf, undividedStore } from "./refuse.ts";

/** Everything that sharing needs. */
export interface PartitionsOptions
  extends Omit<JoinOptions, "openStore" | "partition" | "partitions"> {
  /** Number of partitions of the bot; 1: it has one store. */
  readonly partitions: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** This process has no partition; called again with each change. */
  readonly onStandby: (state: StandbyState) => Promise<void>;
  /** Opens the store in a folder, and creates or migrates it. */
  readonly openStore: (folder: string, follower?: Follower, partition?: Partition) => Store;
  /** A partition cannot go on; the process must end. */
  readonly onFailed: (error: unknown) => void;
  /** From now on, this process can ask those that have the partitions. */
  readonly onFleet: (fleet: WaitingFleet) => void;
}

/**
 * Begins to share, and waits for the first partition of this process.
 *
 * @returns `undefined` if the signal came first.
 * @throws {StartError} If PostgreSQL cannot be used, or has the store of another bot.
 */
export async function sharePartitions(
  options: PartitionsOptions,
): Promise<SharedPartitions | undefined> {
  const { url, bots, dataDir, partitions } = options;
  if (partitions > 1 && existsSync(join(dataDir, DATABASE_NAME))) throw undividedStore(dataDir);
  assertRestoredWhole(dataDir, partitions);
  const remote = createRemote(url, { bots, partitions });
  let share: ReturnType<typeof createShare> | undefined;
  try {
    const state = await openTables(options, remote);
    share = createShare(options, remote, state);
    options.onFleet(share);
    const first = await share.first();
    if (first) return { ...share, first };
    await share.close();
    return undefined;
  } catch (error) {
    await (share ?? remote).close();
    throw error instanceof RemoteError ? startErrorOf(error) : error;
  }
}

/** Milliseconds in which a process usually takes a partition that is free: it does not stand by then. */
const START_MS = 3_000;

const UNTAKEN = "Cannot take a part of the store that is free; trying again";

/** It is long because its functions share one state: the partitions of this process. */
function createShare(options: PartitionsOptions, remote: Remote, begun: RemoteState) {
  const { dataDir, partitions: count, log, signal, onFailed, onStandby } = options;
  const place = placeOf(dataDir);
  const sharing = createSharing(place);
  const owned = new Map<number, OwnedPartition>();
  /** The first partition of this process. */
  let kept: number | undefined;
  const found = Promise.withResolvers<OwnedPartition | undefined>();
  const fail = (error: unknown) => kept === undefined ? found.reject(error) : onFailed(error);
  const folderOf = (index: number) =>
    count === 1 ? dataDir : join(dataDir, PARTITIONS_NAME, `${index}`);
  const turn = createTurn(signal);
  const candidates = Array.from({ length: count }, (_, index) => {
    const folder = folderOf(index);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const onCopyFailed = (error: unknown) => {
      if (kept === undefined || error instanceof StartError) fail(error); // others go on with theirs
    };
    const events = { onFailed: onCopyFailed, onWhole: turn.wake };
    return createCandidate({ ...options, ...events, index, count, folder, place });
  });
  let bot: PartitionedBot | undefined;
  const startedAt = performance.now();
  const invalid = createFleetInvalid(remote);
  const connect = () => createRemote(options.url, { bots: options.bots, partitions: count });
  /** Events have a connection of their own: a flood of them must not delay the looks. */
  const eventRemote = connect();
  const asking = createAsking(connect(), place, log);
  const { hear: onAskNotice } = asking;
  const listener = remote.listen({ place, onNotice: turn.wake, onAskNotice, schedule });
  const events: EventRouter = createEventRouter({
    rows: createArrivals(eventRemote),
    count,
    guildOf: (accountId, channelId) =>
      bot?.guildOf(accountId, channelId) ?? Promise.reject(new Error("The bot does not run yet")),
    wake: turn.wake,
    elapsed: () => performance.now(),
    now: () => Date.now(),
    log,
  });
  /** Why this process could not take a partition last. */
  let untaken: string | undefined;
  /** The partition that is being taken or given up. */
  let changing: Promise<void> | undefined;
  const exchanging = new Map<number, Promise<void>>();
  /** Partitions whose last exchange failed. */
  const behind = new Set<number>();
  let problem: string | undefined;
  let last: Pick<Meeting, "states" | "members"> = { states: [begun], members: [] };
  let isLeaving = false;
  let left: Promise<void> | undefined;
  let closed: Promise<void> | undefined;
  const stop = () => {
    isLeaving = true;
    turn.wake();
    if (owned.size === 0) found.resolve(undefined);
  };
  signal.addEventListener("abort", stop, { once: true });

  const exchangeEvents = exchangeEventsOf(() => bot, turn.wake, dataDir);

  async function open(index: number, isAgain: boolean): Promise<void> {
    const shared = await candidates[index]?.take(isAgain);
    if (!shared) return;
    const follower = alsoTelling(shared, () => owned.get(index)?.exchange.committed());
    let raw: Store;
    try {
      raw = options.openStore(folderOf(index), follower, { index, count });
    } catch (error) {
      await shared.close(); // another process may be able to open its copy
      throw error;
    }
    const gateway = count === 1 ? raw.gateway : shareIdentifies(raw.gateway, remote);
    const store = { ...raw, gateway };
    const exchange = createExchange(index, remote, raw, exchangeEvents, () => performance.now());
    const own = { index, store, shared, exchange };
    owned.set(index, own);
    if (kept === undefined) {
      kept = index;
      if (count > 1) {
        writeFileSync(join(dataDir, PARTITIONS_NAME, MAIN_NAME), `${index}`, { flush: true });
      }
      forgetRestored(dataDir); // from now on, no start of this directory begins a store anew
      found.resolve(own);
    } else await bot?.addPartition(partOf(own));
  }

  const partOf = ({ index, store, shared }: OwnedPartition) => ({
    partition: { index, count },
    store,
    mayAct: shared.mayAct,
    invalidElsewhere: invalid.of(index),
  });

  async function giveUp(index: number): Promise<void> {
    asking.stopTaking(index);
    await bot?.removePartition(index);
    await closeOne(index);
  }

  async function closeOne(index: number): Promise<void> {
    const own = owned.get(index);
    await exchanging.get(index);
    exchanging.set(index, Promise.resolve()); // none begins any more
    await asking.stopped(index);
    own?.store.close();
    await own?.shared.close();
    owned.delete(index);
    exchanging.delete(index);
    candidates[index]?.released();
  }

  /** One after the other: a start of a partition is work for the processor. */
  function change(work: () => Promise<void>): void {
    changing = work().catch((error: unknown) => {
      // A partition without its accounts, or accounts without their store.
      if (!(error instanceof RemoteError)) fail(error);
      else if (error.message !== untaken) log.warn(UNTAKEN, { error: untaken = error.message });
    }).finally(() => changing = undefined);
  }

  async function look(): Promise<void> {
    const copied = candidates.flatMap(({ index, isWhole }) =>
      owned.has(index) || isWhole() ? [index] : []
    );
    const meeting = await invalid.meet({ place, copied });
    if (problem !== undefined) log.info("PostgreSQL answers again");
    problem = undefined;
    last = meeting;
    for (const state of meeting.states) {
      if (!owned.has(state.partition)) candidates[state.partition]?.saw(state);
    }
    decide(meeting);
    if (bot) asking.looked([...owned.keys()], meeting);
    for (const one of owned.values()) exchangeWith(one, meeting);
    if (meeting.arrived.isUnplaced && owned.has(0)) events.placeAll();
  }

  function exchangeWith(own: OwnedPartition, meeting: Meeting): void {
    const { index } = own;
    if (exchanging.has(index)) return;
    exchanging.set(
      index,
      exchangeNow(own, meeting).then(
        () => void behind.delete(index),
        (error: unknown) => {
          if (error instanceof RemoteError || behind.has(index)) return;
          behind.add(index);
          const what = "Cannot exchange rows with other partitions; trying again";
          log.warn(what, { partition: index, error });
        },
      ).finally(() => exchanging.delete(index)),
    );
  }

  async function exchangeNow(
    { index, exchange, store }: OwnedPartition,
    { lastChange, arrived }: Meeting,
  ): Promise<void> {
    await exchange.run(lastChange);
    if (!arrived.partitions.includes(index)) return;
    if (await events.take(index, store)) bot?.changedByCommand("hooks");
  }

  function decide({ states, members }: Meeting): void {
    const isBusy = changing !== undefined || (kept !== undefined && bot === undefined);
    const partitions = states.map((state) => ({
      index: state.partition,
      ...(!state.isFree && { owner: state.place }),
      isEmpty: state.pageCount === 0,
    }));
    const { take, giveUp: gift } = sharing.decide(
      { members, partitions },
      performance.now(),
      kept,
      isBusy,
    );
    if (isBusy || isLeaving) return;
    const again = candidates.find(({ index, isOurs }) => !owned.has(index) && isOurs())?.index;
    const [next] = again === undefined ? take : [again];
    if (next !== undefined) change(() => open(next, again !== undefined));
    else if (gift) {
      log.info("Giving up a partition, so that all processes have equally many", {
        partition: gift.index,
        to: gift.to,
      });
      change(() => giveUp(gift.index));
    }
  }

  async function run(): Promise<void> {
    while (!isLeaving) {
      try {
        await look();
      } catch (error) {
        const { message } = asRemoteError(error);
        if (problem === undefined) log.warn("PostgreSQL does not answer", { error: message });
        problem = message;
        for (const one of candidates) one.doubt(); // another server may answer next
        sharing.failed(performance.now());
      }
      if (owned.size === 0 && !changing && !isStarting()) await onStandby(standbyState());
      await turn.next(count === 1 && bot ? SHOW_MS : undefined); // an only owner decides nothing
    }
  }

  /** Whether a partition may be this process's in a moment. */
  function isStarting(): boolean {
    if (problem !== undefined || performance.now() - startedAt > START_MS) return false;
    return last.states.some((one) => one.isFree || one.place === place);
  }

  function standbyState(): StandbyState {
    const isCopied = candidates.every(({ isWhole }) => isWhole());
    const lagMs = Math.max(...candidates.map((one) => one.lagMs()));
    const [processes = []] = candidates.map((one) => one.processes());
    const [first = begun] = last.states;
    const shared = sharedStateOf(first, processes, { isOwner: false, lagMs, problem });
    return { shared: { ...shared, ...fleet() }, isCopied };
  }

  /** A store that is not divided has one owner, and all others stand by. */
  const fleet = () => count > 1 && { fleet: fleetStateOf(last.states, last.members, place) };

  /** The state of the partitions of this process together, with the fleet. */
  function state(): SharedStoreState | undefined {
    const all = [...owned.values()].flatMap(({ shared }) => shared.state() ?? []);
    const joined = joinedStateOf(all, problem);
    return joined && { ...joined, ...fleet() };
  }

  const running = run().catch(fail);

  async function leave(graceMs: number): Promise<void> {
    stop();
    asking.leave(graceMs);
    await atMost(running);
    await atMost(remote.leave(place, graceMs + STOP_EXTRA_MS)); // else the others notice it
    await changing;
  }

  async function close(): Promise<void> {
    await (left ??= leave(0));
    await events.idle();
    await Promise.all([...owned.keys()].map(closeOne));
    await atMost(Promise.all(candidates.map((one) => one.close())));
    await asking.close();
    await Promise.all([listener.close(), atMost(remote.leave(place))]);
    await eventRemote.close();
    await remote.close();
  }

  return {
    first: () => found.promise,
    /** Differs after each change of any partition. */
    writes: (): number => last.states.reduce((sum, { sequence }) => sum + sequence, 0),
    /** Why PostgreSQL does not answer; absent: it does. */
    problem: () => problem,
    /** The partitions that no process runs, as of the last look. */
    ownerless: () => last.states.flatMap((one) => one.isFree ? [one.partition] : []),
    state,
    /** The stores of the partitions of this process. */
    parts: (): readonly PartStore[] =>
      Array.from(owned.values(), ({ index, store }) => ({ partition: { index, count }, store })),
    /** Number of partitions of the bot. */
    count,
    /** Requests of other processes that Discord holds against the address. */
    invalidElsewhere: invalid.of,
    /** Whether this process owns the partition. */
    isHere: (index: number): boolean => owned.has(index),
    ask: asking.ask,
    answerWith: asking.answerWith,
    /** Whether this process stops. */
    isLeaving: asking.isLeaving,
    /** The bot runs the first partition, and takes others from now on. */
    serve: (next: PartitionedBot): void => void (bot = next),
    /**
     * Takes nothing more, and lets the others count without this process.
     *
     * @param graceMs Milliseconds that the rest of its work has.
     */
    leave: (graceMs: number): Promise<void> => left ??= leave(graceMs),
    /** Stops the partitions beside the first one, each by itself. */
    async stopOthers(): Promise<void> {
      const others = [...owned.keys()].filter((index) => index !== kept);
      await Promise.all(others.map(giveUp));
    },
    /** From now on, commits that PostgreSQL does not confirm fail. */
    hurry(): void {
      for (const { shared } of owned.values()) shared.leave();
    },
    /** Takes an event of a hook for the partition of its place. */
    acceptEvent: events.accept,
    /** Ends the leases, then the requests of this process to others, and closes all. */
    close: (): Promise<void> => closed ??= close(),
  };
}

/** The partitions of this process, the first one among them. */
export type SharedPartitions = Omit<ReturnType<typeof createShare>, "first"> & {
  /** The partition that this process took first, and keeps. */
  readonly first: OwnedPartition;
};
