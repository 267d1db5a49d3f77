/**
 * The policy that an account goes by at this moment, and its number on record.
 *
 * A config that is read again, or a name that was found to be an id, makes another one. It is on
 * record before it judges anything, so that each verdict names the policy that it came from; and
 * it takes the place of the one before at once and whole (C9).
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Config } from "../../config/config.ts";
import type { ResolvedName } from "../../core/names.ts";
import type { Log } from "../../lib/log.ts";
import { type Admit, prepareAdmission } from "../../policy/admission.ts";
import { type Authorize, prepareAuthorize } from "../../policy/authorize.ts";
import { withNames } from "../../policy/pinned.ts";
import { mayActInDirect, prepareAsksRoles, prepareMayAct } from "../../policy/places.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import type { Store } from "../../store/store.ts";

/** One policy, prepared for many messages. */
export interface StandingPolicy {
  /** With the names that are known to be ids. */
  readonly policy: AccessPolicy;
  readonly admit: Admit;
  readonly authorize: Authorize;
  readonly mayAct: ReturnType<typeof prepareMayAct>;
  readonly mayActInDirect: boolean;
  readonly asksRoles: ReturnType<typeof prepareAsksRoles>;
  /** Absent where the store did not take it: then a verdict has its reason, and no ladder. */
  readonly id?: number;
}

export interface PolicyKeeper {
  now(): StandingPolicy;
  /** Goes by another config from now on. */
  apply(config: Config, text: string | undefined): Promise<void>;
  /** Goes by these names, too. */
  resolved(names: readonly ResolvedName[]): Promise<void>;
}

export interface PolicyPorts {
  readonly store: {
    readonly pairing: Pick<Store["pairing"], "namesOf">;
    readonly received: Pick<Store["received"], "savePolicy">;
  };
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** @param text The config file with its secrets blanked. */
export async function keepPolicy(
  config: Config,
  text: string | undefined,
  { store, now, log }: PolicyPorts,
): Promise<PolicyKeeper> {
  const { accountId } = config.discord;
  let source = { config, text };
  let names = await store.pairing.namesOf(accountId);
  let standing = await prepared();
  /** One after the other: the last that is asked for is the one that stays. */
  let changing: Promise<void> = Promise.resolve();

  async function prepared(): Promise<StandingPolicy> {
    const { config, text } = source;
    const policy = withNames(config.discord.access, names);
    const id = await saved(config.file, text);
    return {
      policy,
      admit: prepareAdmission(policy),
      authorize: prepareAuthorize(policy),
      mayAct: prepareMayAct(policy),
      mayActInDirect: mayActInDirect(policy),
      asksRoles: prepareAsksRoles(policy),
      ...(id !== undefined && { id }),
    };
  }

  async function saved(
    file: string | undefined,
    text: string | undefined,
  ): Promise<number | undefined> {
    const hash = createHash("sha256").update(JSON.stringify([accountId, file, text, names]))
      .digest("base64url");
    const revision = {
      accountId,
      hash,
      ...(file !== undefined && { file }),
      ...(text !== undefined && { text }),
      names,
    };
    return await store.received.savePolicy(revision, now()).catch((error: unknown) => {
      log.warn("Cannot store the policy; `barnacle why` will have reasons and no checks", {
        error,
      });
      return undefined;
    });
  }

  function change(): Promise<void> {
    const change = changing.then(async () => void (standing = await prepared()));
    changing = change.catch(() => {}); // whoever asked for it is told
    return change;
  }

  return {
    now: () => standing,
    apply(config, text) {
      source = { config, text };
      return change();
    },
    resolved(found) {
      names = found;
      return change();
    },
  };
}
