/**
 * Tends the messages that people search (T17): adds their words to the index while the store is
 * idle, and removes deleted channels, and those whose `knowledge` the config has switched off.
 */

import type { Account } from "../core/account/account.ts";
import type { SearchedChannel } from "../store/knowledge/knowledge.ts";
import type { Store } from "../store/store.ts";
import type { Knowledge } from "../store/knowledge/knowledge.ts";

/** Milliseconds between two looks, and between two steps of the index. */
const LOOK_MS = 2_000;
const STEP_MS = 50;
/** Looks at a busy store after which a step is taken all the same. */
const MAX_BUSY = 15;

/** Starts the work; without channels that have `knowledge`, it does nothing. */
export function createKnowledgeUpkeep(
  { accountId, store, schedule, log, isOn, keeps }:
    & Pick<Account, "accountId" | "schedule" | "log">
    & {
      readonly store: Pick<Store, "writes"> & {
        readonly knowledge: Pick<Knowledge, "tend" | "knownChannels" | "removeKnownChannels">;
      };
      /** Whether the config keeps messages of any place. */
      readonly isOn: () => boolean;
      /** Whether a channel is still there, and the config keeps its messages. */
      readonly keeps: (channel: SearchedChannel) => boolean;
    },
) {
  let cancel = () => {};
  let isRunning = false;
  let isStopped = false;
  let writes = 0;
  let busy = 0;

  function wait(ms: number): void {
    if (isStopped || !isOn()) {
      isRunning = false;
      return;
    }
    cancel = schedule(() => void look(), ms);
  }

  async function look(): Promise<void> {
    const isIdle = store.writes() === writes || ++busy >= MAX_BUSY;
    let isMore = false;
    try {
      if (isIdle) {
        isMore = await store.knowledge.tend();
        busy = 0;
      }
    } catch (error) {
      log.warn("Cannot update the index of messages", { error });
    }
    writes = store.writes();
    wait(isMore ? STEP_MS : LOOK_MS);
  }

  async function removeClosed(): Promise<void> {
    const known = await store.knowledge.knownChannels(accountId);
    const closed = known.filter((channel) => !keeps(channel)).map(({ channelId }) => channelId);
    if (closed.length === 0) return;
    await store.knowledge.removeKnownChannels(accountId, closed);
    log.info("Messages of some channels are not kept for searches any more", {
      channels: closed.length,
    });
    while (await store.knowledge.tend());
  }

  return {
    /** Looks again which channels are kept: after a start, a new config, or changed servers. */
    changed(): void {
      removeClosed().catch((error: unknown) =>
        log.warn("Cannot remove messages of closed channels", { error })
      );
      if (isRunning || isStopped || !isOn()) return;
      isRunning = true;
      wait(LOOK_MS);
    },
    /** Takes no further step. */
    stop(): void {
      isStopped = true;
      cancel();
    },
  };
}
