/**
 * Who owns the bot: those whom `commands.ownerAllowFrom` names, or else those whom Discord names
 * as owners of the application (P10).
 *
 * @module
 */

import type { UserId } from "../../core/discord/ids.ts";
import type { Application, Applications } from "../../discord/rest/calls/application.ts";
import type { StandingPolicy } from "../rules/policy.ts";

export interface OwnerIds {
  /**
   * Those that can be written to: of a list its ids, of an application its owner, and not the whole
   * team.
   */
  toTell(): Promise<readonly UserId[]>;
  /** Whether Discord names a user as the application's owner, or as a member of its team. */
  ownsApplication(userId: UserId): Promise<boolean>;
}

/** For how long what Discord says of the application is taken without asking, in milliseconds. */
const FRESH_MS = 10 * 60_000;

export function createOwnerIds(
  applications: Pick<Applications, "me">,
  policy: () => Pick<StandingPolicy, "policy">,
  now: () => number,
): OwnerIds {
  let asked: { readonly at: number; readonly answer: Promise<Application> } | undefined;

  function application(): Promise<Application> {
    if (asked && now() - asked.at < FRESH_MS) return asked.answer;
    const answer = applications.me();
    asked = { at: now(), answer };
    answer.catch(() => void (asked = undefined)); // whoever asked is told; the next one asks again
    return answer;
  }

  return {
    async toTell() {
      const { owners } = policy().policy.commands;
      if (owners) return owners.flatMap((entry) => entry.kind === "user" ? [entry.id] : []);
      const { ownerId } = await application();
      return ownerId ? [ownerId] : [];
    },
    ownsApplication: async (userId) => (await application()).ownerIds.includes(userId),
  };
}
