/**
 * Takes the changes of shared rows of the other partitions, and sends those of one partition (O16).
 *
 * A change may be sent twice, and is stored once, by its id. A change that is taken is stored with its
 * number in one transaction. So a crash at any point loses and doubles nothing.
 */

import { FORGOTTEN, type OrderedChange } from "../../core/partitions/shared_rows.ts";
import type { Store } from "../../core/store/store.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { Follower } from "../../store/database/durability.ts";
import type { Remote } from "../../store/replica/remote.ts";

/** How often a partition tells how far it is, in milliseconds: that costs a commit. */
const CONFIRM_MS = 60_000;

/** Milliseconds between two attempts to write the file anew after a person was forgotten. */
const VACUUM_MS = 60_000;

/** The parts of the process that changes concern. */
export interface ExchangeEvents {
  /** A change waits, and should not wait for the next look. */
  readonly wake: () => void;
  /** Rows of these tables have changed. */
  readonly onApplied: (tables: ReadonlySet<string>) => void;
  /** The store has forgotten a person; the files of this process have not. */
  readonly onForgotten: (userId: UserId) => Promise<void>;
}

/** The follower of a store, with one more receiver of its commits. */
export function alsoTelling(follower: Follower, committed: () => void): Follower {
  return {
    ...follower,
    committed() {
      follower.committed();
      committed();
    },
  };
}

/**
 * Creates the exchange of one partition.
 *
 * @param index Number of the partition.
 * @param elapsed Milliseconds of a clock that never goes back.
 */
export function createExchange(
  index: number,
  remote: Pick<Remote, "append" | "changes" | "confirm">,
  { sharedRows: rows, forgetting }: Pick<Store, "sharedRows" | "forgetting">,
  { wake, onApplied, onForgotten }: ExchangeEvents,
  elapsed: () => number,
) {
  /** Changes that PostgreSQL has; a new process sends them again. */
  let sent: ReadonlySet<string> = new Set();
  let confirmed = { at: -Infinity, position: -1 };
  /** Id of the last change that has woken. */
  let woken: string | undefined;
  let isLooking = false;
  let isVacuumDue = false;
  let vacuumedAt = -Infinity;

  async function send(): Promise<void> {
    if (!rows || !await rows.isWaiting()) return;
    const position = await rows.position(); // before the changes: a person may be forgotten meanwhile
    const waiting = await rows.waiting();
    const unsent = waiting.filter(({ id }) => !sent.has(id));
    if (unsent.length > 0 && !await remote.append(unsent, position)) return;
    sent = new Set(waiting.map(({ id }) => id));
  }

  async function forget(changes: readonly OrderedChange[]): Promise<void> {
    for (const { name, key } of changes) {
      if (name !== FORGOTTEN) continue;
      const [userId]: readonly UserId[] = JSON.parse(key); // ours
      if (userId === undefined) continue;
      await forgetting.forget(userId, false, "another partition");
      await onForgotten(userId);
      isVacuumDue = true;
    }
  }

  async function take(lastChange: number): Promise<void> {
    while (rows && await rows.position() < lastChange) {
      const changes = await remote.changes(await rows.position());
      if (changes.length === 0) return;
      const foreign = await rows.foreign(changes);
      await forget(foreign);
      await rows.apply(changes);
      if (foreign.length > 0) onApplied(new Set(foreign.map(({ name }) => name)));
    }
  }

  async function confirm(): Promise<void> {
    if (!rows || elapsed() - confirmed.at < CONFIRM_MS) return;
    const at = elapsed();
    if (await rows.position() !== confirmed.position) {
      const position = await rows.confirmedPosition();
      await remote.confirm(index, position);
      confirmed = { at, position };
    } else confirmed = { ...confirmed, at };
  }

  /** It fails while another process reads the file. */
  async function vacuum(): Promise<void> {
    if (!isVacuumDue || elapsed() - vacuumedAt < VACUUM_MS) return;
    vacuumedAt = elapsed();
    await forgetting.vacuum();
    isVacuumDue = false;
  }

  async function wakeIfNew(): Promise<void> {
    await Promise.resolve(); // the commit is over then
    isLooking = false;
    const newest = await rows?.newest();
    if (newest === undefined || newest === woken) return;
    woken = newest;
    wake();
  }

  return {
    /** The store has committed, perhaps a change for the others. The use of models can wait. */
    committed(): void {
      if (isLooking) return;
      isLooking = true;
      void wakeIfNew().catch(() => {}); // the store is closed: nothing is sent any more
    },
    /**
     * Takes and sends. Rejects if PostgreSQL does not answer; the next call goes on.
     *
     * @param lastChange Number of the last change in PostgreSQL.
     */
    async run(lastChange: number): Promise<void> {
      await take(lastChange);
      await send();
      await confirm();
      await vacuum();
    },
  };
}
