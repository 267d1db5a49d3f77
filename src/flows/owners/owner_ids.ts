/**
 * Finds the bot's owners: those in `commands.ownerAllowFrom`, or else the application's owners at
 * Discord (P10).
 */

import type { Account } from "../../core/account/account.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { createConnectionState } from "../preflight/connection_state.ts";

interface ApplicationOwners {
  /** The owner, or the first of its team; absent if Discord names none. */
  readonly ownerId?: UserId;
  /** The owner and the whole team. */
  readonly ownerIds: readonly UserId[];
}

/** How long Discord's answer about the application is reused, in milliseconds. */
const FRESH_MS = 10 * 60_000;

export function createOwnerIds(
  { policy, now }: Pick<Account<unknown, { readonly policy: AccessPolicy }>, "policy" | "now">,
  { applications, connectionState: { applicationOwner, applicationOwners } }: {
    readonly applications: { me(): Promise<ApplicationOwners> };
    readonly connectionState: Pick<
      ReturnType<typeof createConnectionState>,
      "applicationOwner" | "applicationOwners"
    >;
  },
) {
  const named = Promise.withResolvers<void>();
  let lastRead: readonly UserId[] | undefined;
  let asked: { readonly at: number; readonly answer: Promise<ApplicationOwners> } | undefined;

  function application(): Promise<ApplicationOwners> {
    if (asked && now() - asked.at < FRESH_MS) return asked.answer;
    const answer = applications.me();
    asked = { at: now(), answer };
    answer.then(
      ({ ownerIds }) => void (lastRead = ownerIds),
      () => void (asked = undefined), // the caller handles it, and the next call asks again
    );
    return answer;
  }

  /** The ids of the config's list; `undefined` without a list. */
  function listedOwners(): readonly UserId[] | undefined {
    return policy().policy.commands.owners
      ?.flatMap((entry) => entry.kind === "user" ? [entry.id] : []);
  }

  return {
    /**
     * Owners that Barnacle can write to: the ids of a list, or the application's owner, but not the
     * whole team. If a list has names only, it waits until Barnacle has looked them up.
     */
    async toTell(): Promise<readonly UserId[]> {
      if (listedOwners()?.length === 0) await named.promise;
      const listed = listedOwners();
      if (listed) return listed;
      const { ownerId } = await application();
      return ownerId ? [ownerId] : [];
    },
    /** The names in the config have been searched, so an owner's name has its id or none. */
    namesLookedUp: (): void => named.resolve(),
    /** Whether Discord names a user as the application's owner, or as a member of its team. */
    ownsApplication: async (userId: UserId): Promise<boolean> =>
      (await application()).ownerIds.includes(userId),
    /**
     * The same as last read. It never waits, because turns do not wait for it: it asks Discord beside,
     * and the next call has the answer. Before the first answer, the owners count that the connection
     * knows.
     */
    ownsApplicationAsRead(userId: UserId): boolean {
      application().catch(() => {}); // the last answer counts until there is another
      return (lastRead ?? applicationOwners()).includes(userId);
    },
    /**
     * The user whose direct messages are the main session (S1): the first of the list, or else the
     * application's owner as last read. It never waits, because a message's session is fixed as the
     * message is stored.
     */
    sessionOwner(): UserId | undefined {
      const listed = listedOwners();
      return listed ? listed[0] : applicationOwner();
    },
  };
}

/** Finds and recognises the bot's owners. */
export type OwnerIds = ReturnType<typeof createOwnerIds>;
