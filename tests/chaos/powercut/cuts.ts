/**
 * Records one run of the bot, and rebuilds the disk as of many of its moments.
 *
 * A judge that finds nothing proves nothing, so each of its findings has a control: a disk that
 * ignores the sync before a request, or any sync; a bot that misses a hole after a RESUME; a gap
 * that is not on the disk.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Seeded } from "../../support/seeded.ts";
import { createDisk, type Files } from "./disk.ts";
import { isOfStore, judgeCut, type JudgeOptions, type Question, type Verdict } from "./judge.ts";
import { openPowerCutSimulation, type PowerCutSimulation } from "./recording.ts";
import type { Syscall } from "./syscall_log.ts";
import { readWire, type Wire } from "./wire.ts";

/** A finished run. */
export interface Recording {
  readonly log: readonly Syscall[];
  readonly wire: Wire;
  readonly questions: readonly Question[];
  /** The disk before the run. */
  readonly before: Files;
}

/** Deviations of a disk, a bot or Discord from the real ones. */
export interface Variant {
  /** Chooses the pages that were written back; without it, no unsynced page was. */
  readonly random?: () => number;
  /** Syncs that the disk ignores, by their index in the log. */
  readonly ignored?: ReadonlySet<number>;
  readonly spoil?: JudgeOptions["spoil"];
  readonly seesHoles?: boolean;
  /** The moments at which it shows. */
  readonly moments?: ReadonlySet<number>;
}

/** The sum over all cuts of one variant. */
export interface CutReport {
  readonly cuts: number;
  /**
   * Questions in the inbox, delivered again by RESUME, or found by catch-up; summed over the cuts.
   */
  readonly kept: number;
  readonly replayed: number;
  readonly missed: number;
  /** Cuts that undid acknowledged events. */
  readonly holes: number;
  /** Cuts with a loss. */
  readonly spoilt: number;
  /** Problems by kind: their number, and the first of them. */
  readonly problems: ReadonlyMap<string, { readonly count: number; readonly first: string }>;
}

/** Maximum milliseconds between two messages. */
export const PACE_MS = 90;
/** New users who write during silence, so that no other message makes theirs durable. */
const QUIET_STRANGERS = 4;
/** Questions in silence that a heartbeat acknowledges before the disk has them: sure holes. */
const QUIET_QUESTIONS = 3;
/** Milliseconds within which a heartbeat acknowledges an event of the second session. */
const TELLING_MS = 15_000;
/** Number of single moments to check after a lost session. */
const GAP_MOMENTS = 120;
/** Milliseconds within which the last message is usually answered; a cut may come before. */
const SETTLE_MS = 1_000;

/**
 * Traces a bot while people talk, a connection and a session are lost, until it is stopped.
 *
 * @param talks Number of messages.
 */
export async function record(seeded: Seeded, talks: number): Promise<Recording> {
  const simulation = await openPowerCutSimulation(seeded);
  try {
    const before = filesIn(simulation.dataDir);
    await play(simulation, seeded, talks);
    const log = simulation.readLog();
    return { log, wire: readWire(log, simulation.ports), questions: simulation.questions, before };
  } finally {
    await simulation.close();
  }
}

async function play(
  simulation: PowerCutSimulation,
  { random }: Seeded,
  talks: number,
): Promise<void> {
  const { simulator, talk, until } = simulation;
  const { gateway } = simulator.faults;
  const { identifies, beats } = simulator.account();
  const isConnected = () => simulator.connected() > 0;
  const hasTold = (from: number) => beats.slice(from).some(({ seq }) => seq !== null);
  const chatter = async (count: number, mayBeNew?: boolean) => {
    for (let said = 0; said < count; said++) {
      talk(mayBeNew);
      await sleep(random() * PACE_MS);
    }
  };

  const bot = await simulation.start(true);
  await until("the first session to be stored", simulation.isSessionStored);
  for (let asked = 0; asked < QUIET_QUESTIONS; asked++) await simulation.acknowledgeUnsynced();
  await chatter(talks * 0.3);
  gateway.drop("reset");
  await chatter(talks * 0.3);
  await until("the connection to be back", isConnected);
  gateway.invalidate(false);
  await chatter(talks * 0.2, false);
  await until("the second session", () => identifies.length === 2 && isConnected());
  const before = beats.length;
  const hurry = performance.now() + TELLING_MS;
  while (!hasTold(before) && performance.now() < hurry) await chatter(1);
  await chatter(talks * 0.2);
  await sleep(SETTLE_MS);
  for (let met = 0; met < QUIET_STRANGERS; met++) {
    simulation.meet();
    await sleep(SETTLE_MS / 2);
  }
  bot.kill("SIGTERM");
  await bot.exited;
}

/** The store's files in a directory. */
export function filesIn(dir: string): Files {
  return new Map(
    readdirSync(dir)
      .map((name) => join(dir, name))
      .filter((path) => isOfStore(path) && statSync(path).isFile())
      .map((path) => [path, readFileSync(path)]),
  );
}

/** Fails the power at each of the moments, and judges the result. */
export function cutAt(
  { log, wire, questions, before }: Recording,
  given: ReadonlySet<number>,
  { random, ignored, seesHoles, spoil, moments = given }: Variant = {},
): CutReport {
  const disk = createDisk(before);
  const verdicts: Verdict[] = [];
  const dir = mkdtempSync(join(tmpdir(), "barnacle-cut-"));
  try {
    for (const [place, syscall] of log.entries()) {
      disk.apply(syscall, !ignored?.has(place));
      if (!moments.has(place)) continue;
      const outside = { wire, questions, cut: place + 1 };
      verdicts.push(judgeCut(disk.afterCut(random), outside, {
        dir,
        ...(spoil && { spoil }),
        ...(seesHoles !== undefined && { seesHoles }),
      }));
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return summed(verdicts);
}

function summed(verdicts: readonly Verdict[]): CutReport {
  const problems = new Map<string, { count: number; first: string }>();
  for (const text of verdicts.flatMap((one) => one.problems)) {
    const kind = text.slice(0, text.indexOf(":"));
    const known = problems.get(kind);
    problems.set(kind, { count: (known?.count ?? 0) + 1, first: known?.first ?? text });
  }
  const sum = (of: (one: Verdict) => number) => verdicts.reduce((total, one) => total + of(one), 0);
  return {
    cuts: verdicts.length,
    kept: sum(({ kept }) => kept),
    replayed: sum(({ replayed }) => replayed),
    missed: sum(({ missed }) => missed),
    holes: verdicts.filter(({ hasHole }) => hasHole).length,
    spoilt: verdicts.filter((one) => one.problems.length > 0).length,
    problems,
  };
}

/**
 * Chooses moments that differ from the moment before: after each sent request or frame, and each
 * call on the store's files, once the first session is on the disk.
 *
 * @param count Number of moments; 0 for all. Half follow a sent message, a quarter follow a lost
 * session, and the rest is spread over all.
 */
export function momentsOf(recording: Recording, count: number): ReadonlySet<number> {
  const all = allMoments(recording);
  if (count === 0 || count >= all.length) return new Set(all);
  const told = all.filter((place) => recording.log[place]?.kind === "sent");
  const chosen = new Set(spread(told, count / 2));
  for (const place of spread([...momentsOfGap(recording)], count / 4)) chosen.add(place);
  const others = all.filter((place) => !chosen.has(place));
  for (const place of spread(others, count - chosen.size)) chosen.add(place);
  return new Set([...chosen].sort((a, b) => a - b));
}

function spread(places: readonly number[], count: number): readonly number[] {
  if (count >= places.length) return places;
  return places.filter((_, index) =>
    Math.floor(index * count / places.length) !== Math.floor((index + 1) * count / places.length)
  );
}

/** Moments after a heartbeat or a RESUME with a number: until the next sync, there is a hole. */
function momentsOfHoles(recording: Recording): ReadonlySet<number> {
  const { beats, resumes } = recording.wire;
  const told = [...beats, ...resumes].map(({ at }) => at);
  const moments = allMoments(recording);
  return new Set(told.flatMap((at) => moments.find((place) => place >= at) ?? []));
}

/** Moments from the READY of the second session on, while catch-up fetches earlier messages. */
function momentsOfGap(recording: Recording): ReadonlySet<number> {
  const from = recording.wire.sessions[1]?.at ?? Infinity;
  return new Set(allMoments(recording).filter((place) => place >= from).slice(0, GAP_MOMENTS));
}

function allMoments(recording: Recording): readonly number[] {
  const from = firstStored(recording);
  return [...recording.log.entries()].flatMap(([place, syscall]) =>
    place >= from && isMoment(syscall) ? [place] : []
  );
}

const isMoment = (syscall: Syscall): boolean =>
  syscall.kind === "sent" || ("path" in syscall && isOfStore(syscall.path));

const isSyncOfLog = (syscall: Syscall | undefined): boolean =>
  syscall?.kind === "sync" && syscall.path.endsWith("-wal");

/** The sync of T0; nothing was promised before it. */
function firstStored({ log, wire }: Recording): number {
  const online = wire.sessions[0]?.at ?? log.length;
  return log.findIndex((syscall, place) => place > online && isSyncOfLog(syscall));
}

/** Every n-th of the moments. */
export function someOf(moments: ReadonlySet<number>, every: number): ReadonlySet<number> {
  return new Set([...moments].filter((_, index) => index % every === 0));
}

/** The findings that each control must cause, by name. */
export function controlsOf(recording: Recording): Readonly<Record<string, Variant>> {
  const { log, wire } = recording;
  const from = firstStored(recording);
  const ofLog = [...log.keys()].filter((place) => isSyncOfLog(log[place]));
  return {
    "T4 is not synced": {
      ignored: new Set(wire.posts.map(({ at }) => ofLog.findLast((place) => place < at) ?? 0)),
    },
    "the disk heeds no sync": { ignored: new Set(ofLog.filter((place) => place > from)) },
    "a hole is not seen": { seesHoles: false, moments: momentsOfHoles(recording) },
    "the gap is in memory only": {
      spoil: (database) => database.exec("UPDATE gateway_session SET catch_up_from = NULL"),
      moments: momentsOfGap(recording),
    },
  };
}

/** Checkpoints from the log to the database, for which the log is synced. */
export function checkpointsIn({ log }: Recording): number {
  const isPage = (one?: Syscall) => one?.kind === "write" && one.path.endsWith(".db");
  const ofStore = log.filter((one) => "path" in one && isOfStore(one.path));
  return ofStore.filter((one, index) => isPage(one) && !isPage(ofStore[index - 1])).length;
}
