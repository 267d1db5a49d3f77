/**
 * Describes the processes that share a store through PostgreSQL (O15), as every output shows them.
 *
 * Times are by the clock of the database, so that all processes show the same.
 */

import { countText, durationText, timeText } from "../lib/text/units.ts";

export interface SharingProcess {
  /** Machine and data directory. */
  readonly place: string;
  readonly version: string;
  /** Changes that its copy lacked then; absent while it copies, and for an owner. */
  readonly behind?: number;
  /** Whether it could answer people then; a standby looks only while the owner could not. */
  readonly isFit?: boolean;
  /** Unix time in milliseconds at which it last reported. */
  readonly seenAt: number;
}

export interface SharedStoreState {
  /** Machine and data directory of its last owner; empty if there was none. */
  readonly owner: string;
  /** Whether the owner's lease holds. */
  readonly isHeld: boolean;
  /** Unix time in milliseconds since which it is the owner. */
  readonly since: number;
  /** Counts the leases. */
  readonly epoch: number;
  /** Number of owners after another one. */
  readonly handOvers: number;
  /** The last of them; absent if there was none. */
  readonly lastHandOver?: {
    /** Unix time in milliseconds. */
    readonly at: number;
    /** The owner before it. */
    readonly from: string;
    /** Whether that one had ended its lease by itself. */
    readonly isStop: boolean;
  };
  readonly isOwner: boolean;
  /**
   * Of an owner: milliseconds for which its oldest change has waited for PostgreSQL. Of a standby:
   * milliseconds since its copy was last whole.
   */
  readonly lagMs: number;
  /** All processes of the last day, this one too. */
  readonly processes: readonly SharingProcess[];
  /** Unix time in milliseconds at which PostgreSQL last told all this. */
  readonly readAt: number;
  /** Why PostgreSQL does not take changes, or does not answer; absent if all is well. */
  readonly problem?: string;
}

/** A process that has not reported for longer is down, in milliseconds. */
const SILENT_MS = 30_000;

/** The processes that stand by now. */
export function standbysOf(
  { processes, owner, readAt }: SharedStoreState,
): readonly SharingProcess[] {
  return processes.filter(({ place, seenAt }) => place !== owner && readAt - seenAt <= SILENT_MS);
}

/** The owner, since when, and how far the copies are: `"host:/data owns the store since …"`. */
export function ownerText(state: SharedStoreState): string {
  const { owner, isOwner, isHeld, since, epoch } = state;
  if (owner === "") return "no process has owned the store yet";
  const who = isOwner ? `this process (${owner})` : owner;
  return isHeld
    ? `${who} since ${timeText(since)}, lease ${epoch}`
    : `none; the lease of ${owner} has ended`;
}

function handOverText({ handOvers, lastHandOver }: SharedStoreState): string {
  if (!lastHandOver) return "none yet";
  const { at, from, isStop } = lastHandOver;
  return `${timeText(at)}, from ${from}, which ${isStop ? "had stopped" : "had died"}; ` +
    `${handOvers} in all`;
}

/** How far the copy of this process is. */
export function lagText({ isOwner, lagMs, problem }: SharedStoreState): string {
  const lag = lagMs < 1_000 ? `${Math.round(lagMs)} ms` : durationText(lagMs);
  if (isOwner) {
    return lagMs === 0 ? "PostgreSQL has all changes" : `PostgreSQL lacks the changes of ${lag}`;
  }
  return problem === undefined && lagMs < SILENT_MS
    ? `this copy was whole ${lag} ago`
    : `this copy has not been whole for ${lag}`;
}

/** A process beside the owner: its version, and how far its copy is. */
function standbyText(
  { place, version, behind, seenAt }: SharingProcess,
  { readAt }: Pick<SharedStoreState, "readAt">,
): string {
  const age = readAt - seenAt;
  if (age > SILENT_MS) return `${place} (${version}), silent for ${durationText(age)}`;
  const copy = behind === undefined
    ? "copies the store"
    : behind === 0
    ? "has all changes"
    : `lacks ${countText(behind, "change")}`;
  return `${place} (${version}), ${copy}`;
}

/** The whole state, as rows of a title and a text. */
export function sharedRows(
  state: SharedStoreState,
): readonly (readonly [what: string, text: string])[] {
  const others = state.processes.filter(({ place }) => place !== state.owner);
  return [
    ["Owner", ownerText(state)],
    ...others.map((one) => ["Standby", standbyText(one, state)] as const),
    ...(others.length === 0 ? [["Standby", "none"] as const] : []),
    ["Copy", state.problem ?? lagText(state)],
    ["Hand-over", handOverText(state)],
  ];
}
