/**
 * Reads the people whom an account's store knows, for the names beside a person's wrong id (P7).
 *
 * It reads few rows, because the running bot reads them, too. It reads no other account's people,
 * because that account may have other owners.
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { PossiblePerson } from "./find_wrong_ids.ts";
import type { createAccounts } from "../../store/gateway/accounts.ts";
import type { Pairings, ResolvedNames } from "../../store/pairing/pairing.ts";
import type { RecentTalk } from "../../store/messages/messages.ts";

/** Number of messages of each kind whose senders are read. */
const MESSAGES_MAX = 500;

/**
 * Reads the owner and the team, who have no names here, the people of resolved names, those who
 * are paired or wait for that, and the senders of the newest messages.
 *
 * @returns A person may be in it several times, with the newest name last.
 */
export async function storedPeople(
  { gateway, pairing, messages }: {
    readonly gateway: Pick<ReturnType<typeof createAccounts>, "loadAccount">;
    readonly pairing: Pick<Pairings & ResolvedNames, "paired" | "requests" | "namesOf">;
    readonly messages: RecentTalk;
  },
  accountId: AccountId,
  now: number,
): Promise<readonly PossiblePerson[]> {
  const { ownerIds = [] } = await gateway.loadAccount(accountId);
  const names = await pairing.namesOf(accountId);
  const known = [
    ...await pairing.paired(accountId),
    ...await pairing.requests(accountId, now),
  ];
  const talk = await messages.recentTalk(accountId, 0, MESSAGES_MAX);
  return [
    ...ownerIds.map((id) => ({ id })),
    ...names.flatMap((one) => one.kind === "user" ? [{ id: one.id, name: one.name }] : []),
    ...known.map(({ userId: id, username: name }) => ({ id, name })),
    ...talk.flatMap((one) =>
      one.kind === "person" ? [{ id: one.sender.id, name: one.sender.username }] : []
    ),
  ];
}
