/** Keeps what Discord last said of an account's application, in this run or an earlier one. */

import { isDeepStrictEqual } from "node:util";
import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { ApplicationId, UserId } from "../../core/discord/ids.ts";
import { type Application, askApplication } from "../../discord/rest/requests/application.ts";

interface Known {
  id?: ApplicationId | undefined;
  ownerId?: UserId | undefined;
  team: readonly UserId[];
  storedTeam: readonly UserId[];
}

const known = perAccount("preflight", ({ stored: { self, ownerId, ownerIds = [] } }): Known => ({
  id: self?.applicationId,
  ownerId,
  team: ownerIds.length > 0 || ownerId === undefined ? ownerIds : [ownerId],
  storedTeam: ownerIds,
}));

/**
 * Asks Discord.
 *
 * @throws {RestError} If it does not answer.
 */
export async function readApplication(account: BotAccount): Promise<Application> {
  const read = await askApplication(account.rest);
  const { id, ownerId, ownerIds: team } = read;
  Object.assign(known(account), { id, ownerId, team });
  return read;
}

/** Stores the owner and the whole team for the next start, if they have changed. Never fails. */
export function storeOwners(account: BotAccount): void {
  const { store, accountId, log } = account;
  const state = known(account);
  const { team } = state;
  if (isDeepStrictEqual(new Set(team), new Set(state.storedTeam))) return;
  store.gateway.saveOwners(accountId, team).then(
    () => void (state.storedTeam = team),
    (error: unknown) => log.warn("Cannot store the team of the application", { error }),
  );
}

export function applicationId(account: BotAccount): ApplicationId | undefined {
  return known(account).id;
}

/** The application's owner; `undefined` if it is not known. */
export function applicationOwner(account: BotAccount): UserId | undefined {
  return known(account).ownerId;
}

/** The owner and the whole team. */
export function applicationOwners(account: BotAccount): readonly UserId[] {
  return known(account).team;
}
