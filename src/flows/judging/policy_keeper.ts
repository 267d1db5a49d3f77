/**
 * Keeps the current policy of an account, and the number of its record.
 *
 * A reloaded config, or a name resolved to an id, creates another policy. The store records it
 * before it judges any message, so each verdict names its policy. It replaces the earlier one in
 * one step (C9).
 */

import type { BotAccount } from "../../account/account.ts";
import { createHash } from "node:crypto";
import type { AccountId } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import { TEXT_COMMANDS } from "../../interactions/registry.ts";
import {
  type Admit,
  type Authorize,
  type ExistingCommands,
  mayActInDirect,
  prepareAdmission,
  prepareAsksRoles,
  prepareAuthorize,
  prepareMayAct,
  textCommandsOf,
} from "../../policy/admission.ts";
import { type ChooseAgent, prepareRouter, prepareTriggers } from "../../policy/router.ts";
import { withNames } from "../../policy/rules.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import { type DecideTools, prepareToolAccess } from "../../policy/tool_access.ts";

interface PolicySource {
  readonly discord: { readonly accountId: AccountId; readonly access: AccessPolicy };
  /** Path of the config file; absent without one. */
  readonly file?: string;
}

/** One policy, prepared for many messages. */
export interface CurrentPolicy {
  /** The policy with all names resolved so far. */
  readonly policy: AccessPolicy;
  readonly textCommands: ExistingCommands;
  readonly admit: Admit;
  /** Judges a command, a component or another event. */
  readonly authorize: Authorize;
  readonly mayAct: ReturnType<typeof prepareMayAct>;
  /** Whether a tool may act in direct messages. */
  readonly mayActInDirect: boolean;
  readonly asksRoles: ReturnType<typeof prepareAsksRoles>;
  readonly decideTools: DecideTools;
  /** Chooses the agent and the account of an answer (N2). */
  readonly chooseAgent: ChooseAgent;
  readonly triggersOf: ReturnType<typeof prepareTriggers>;
  /**
   * Absent if the store could not record the policy; then a verdict has its reason, but no list of
   * checks.
   */
  readonly id?: number;
}

/**
 * Creates the account's policy, and records it.
 *
 * @param text The config file's text with its secrets blanked.
 */
export async function createPolicyKeeper(
  config: PolicySource,
  text: string | undefined,
  { store, now, log }: BotAccount,
) {
  const { accountId } = config.discord;
  let source = { config, text };
  let names = await store.pairing.namesOf(accountId);
  let current = await prepared();
  /** Runs changes one after the other, so the last request wins. */
  let changing: Promise<void> = Promise.resolve();

  async function prepared(): Promise<CurrentPolicy> {
    const { config, text } = source;
    return currentPolicyOf(config, names, await saved(config.file, text));
  }

  async function saved(
    file: string | undefined,
    text: string | undefined,
  ): Promise<number | undefined> {
    const hash = createHash("sha256").update(JSON.stringify([accountId, file, text, names]))
      .digest("base64url");
    const revision = { accountId, hash, file, text, names };
    return await store.messages.savePolicy(revision, now()).catch((error: unknown) => {
      log.warn("Cannot store the policy; `barnacle why` will have reasons and no checks", {
        error,
      });
      return undefined;
    });
  }

  function change(): Promise<void> {
    const change = changing.then(async () => void (current = await prepared()));
    changing = change.catch(() => {}); // the caller handles it
    return change;
  }

  return {
    now: (): CurrentPolicy => current,
    apply(config: PolicySource, text: string | undefined): Promise<void> {
      source = { config, text };
      return change();
    },
    /** Replaces the stored names. */
    resolved(found: readonly ResolvedName[]): Promise<void> {
      names = found;
      return change();
    },
  };
}

export type PolicyKeeper = Awaited<ReturnType<typeof createPolicyKeeper>>;

function currentPolicyOf(
  config: PolicySource,
  names: readonly ResolvedName[],
  id?: number,
): CurrentPolicy {
  const policy = withNames(config.discord.access, names);
  return {
    policy,
    textCommands: textCommandsOf(policy, TEXT_COMMANDS),
    admit: prepareAdmission(policy, TEXT_COMMANDS),
    authorize: prepareAuthorize(policy, TEXT_COMMANDS),
    mayAct: prepareMayAct(policy),
    mayActInDirect: mayActInDirect(policy),
    asksRoles: prepareAsksRoles(policy),
    decideTools: prepareToolAccess(policy),
    chooseAgent: prepareRouter(policy.router),
    triggersOf: prepareTriggers(policy),
    id,
  };
}
