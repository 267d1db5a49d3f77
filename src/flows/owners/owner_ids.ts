/**
 * Finds the bot's owners: those in `commands.ownerAllowFrom`, or else the application's owners at
 * Discord (P10).
 *
 * @module
 */

import type { UserId } from "../../core/discord/ids.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";

/** The owners of the application at Discord. */
interface Application {
  /** The owner, or the first of its team; absent if Discord names none. */
  readonly ownerId?: UserId;
  /** The owner and the whole team. */
  readonly ownerIds: readonly UserId[];
}

/** Finds and recognises the bot's owners. */
export interface OwnerIds {
  /**
   * Owners that Barnacle can write to: the ids of a list, or the application's owner, but not the
   * whole team. If a list has names only, it waits until Barnacle has looked them up.
   */
  toTell(): Promise<readonly UserId[]>;
  /** All owners with a known id: those of a list, or the application's owner and its whole team. */
  all(): Promise<readonly UserId[]>;
  /** Whether Discord names a user as the application's owner, or as a member of its team. */
  ownsApplication(userId: UserId): Promise<boolean>;
  /**
   * The same as last read. It never waits, because turns do not wait for it: it asks Discord beside,
   * and the next call has the answer. Before the first answer, only the application's owner counts.
   */
  ownsApplicationAsRead(userId: UserId): boolean;
  /**
   * The user whose direct messages are the main session (S1): the first of the list, or else the
   * application's owner as last read. It never waits, because a message's session is fixed as the
   * message is stored.
   */
  sessionOwner(): UserId | undefined;
}

/** How long Discord's answer about the application is reused, in milliseconds. */
const FRESH_MS = 10 * 60_000;

/**
 * Creates the look-up of owners.
 *
 * @param named Resolves once the names in the config have been looked up.
 */
export function createOwnerIds(
  applications: { me(): Promise<Application> },
  policy: () => { readonly policy: AccessPolicy },
  applicationOwner: () => UserId | undefined,
  now: () => number,
  named: Promise<void>,
): OwnerIds {
  let lastRead: readonly UserId[] | undefined;
  let asked: { readonly at: number; readonly answer: Promise<Application> } | undefined;

  function application(): Promise<Application> {
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
    async toTell() {
      if (listedOwners()?.length === 0) await named;
      const listed = listedOwners();
      if (listed) return listed;
      const { ownerId } = await application();
      return ownerId ? [ownerId] : [];
    },
    all: async () => listedOwners() ?? (await application()).ownerIds,
    ownsApplication: async (userId) => (await application()).ownerIds.includes(userId),
    ownsApplicationAsRead(userId) {
      application().catch(() => {}); // the last answer counts until there is another
      return lastRead?.includes(userId) ?? applicationOwner() === userId;
    },
    sessionOwner() {
      const listed = listedOwners();
      return listed ? listed[0] : applicationOwner();
    },
  };
}
