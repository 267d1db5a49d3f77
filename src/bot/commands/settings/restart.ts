/**
 * Restarts the process for `/restart`: a signal to itself, which a supervisor answers by a new start.
 *
 * A command may run a second time after its restart. So its id is stored first, and the second run
 * restarts nothing.
 *
 * @module
 */

import type { Env } from "../../../lib/env.ts";
import type { AccountId } from "../../../core/discord/ids.ts";
import type { InteractionContext } from "../../../interactions/base/context.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import type { Store } from "../../../core/store/store.ts";

/** The dependencies of a restart. */
export interface RestartOptions {
  /** The account. */
  readonly accountId: AccountId;
  /** Settings that people chose. */
  readonly settings: Pick<Store["settings"], "settingOf" | "change">;
  /** Whether a supervisor starts this process again. */
  readonly isSupervised: () => boolean;
  /** Begins an orderly stop. */
  readonly stop: () => void;
  /** Timer. */
  readonly schedule: StartTimer;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Milliseconds from the command to the stop, which also waits for answers under way. */
const STOP_AFTER_MS = 1_000;

/** Creates the port of commands. */
export function createRestart(
  { accountId, settings, isSupervised, stop, schedule, now }: RestartOptions,
): InteractionContext["restart"] {
  return async ({ id }) => {
    if (await settings.settingOf(accountId, "account", "restartedBy") === id) return "done";
    if (!isSupervised()) return "unsupervised";
    await settings.change(accountId, "account", "restartedBy", id, now());
    schedule(stop, STOP_AFTER_MS);
    return "begun";
  };
}

/**
 * Whether a supervisor starts the process again: systemd, whose main process it is, Kubernetes, or
 * another one that says so by `BARNACLE_SUPERVISED=1`. A variable of systemd's alone is no sign,
 * because desktops pass it on to terminals.
 */
export function isSupervised(env: Env, pid: number): boolean {
  return env["SYSTEMD_EXEC_PID"] === String(pid) || Boolean(env["KUBERNETES_SERVICE_HOST"]) ||
    env["BARNACLE_SUPERVISED"] === "1";
}
