/**
 * Acquires the lock of a bot token that this process has just released.
 *
 * A process that another test starts has a copy of the closed socket until it loads its program. The
 * name is taken until then.
 */

import {
  acquireTokenLock,
  type TokenLock,
  type TokenLockPorts,
  type TokenOwner,
} from "../../../src/host/locks/token_lock.ts";

/** Attempts; each takes as long as a silent holder is asked. */
const ATTEMPTS = 20;

/** Tries again while the lock is taken. */
export async function acquireReleased(
  token: string,
  self: TokenOwner,
  ports?: TokenLockPorts,
): Promise<TokenLock> {
  for (let left = ATTEMPTS; left > 0; left--) {
    const lock = await acquireTokenLock(token, self, ports);
    if (lock.kind !== "taken") return lock;
  }
  throw new Error("the released lock is still taken");
}
