/** `/forget`: removes everything that is stored of a person (X5). */

import type { BotAccount } from "../../account/account.ts";
import { changedInAll } from "../../account/per_account.ts";
import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import { dropLogins } from "../../host/files/data_dir.ts";
import type { Command } from "../../interactions/base/command.ts";
import { NOT_AUTHORIZED } from "../../render/sentences.ts";

/**
 * Forgets the asker, or for an owner a person. The choice confirms it, because no one can bring the
 * data back.
 */
export const forget: Command = {
  name: "forget",
  description: "Delete everything that I have stored of you",
  options: [{
    name: "who",
    description: "Choose “me” to confirm: no one can bring it back",
    type: "text",
    isRequired: true,
    async suggest(typing, account) {
      const { choicesFor } = await import("../../interactions/base/command.ts");
      const { mayUse } = await import("../../flows/interactions/may_use.ts");
      const isOwner = await mayUse(account, typing, "owner");
      const people = isOwner ? [...await account.store.messages.askersNames()] : [];
      return choicesFor(typing.typed.text, [
        { name: "me", value: "me" },
        ...people.map(([id, name]) => ({ name: `${name} (${id})`, value: id })),
      ]);
    },
  }],
  needs: "everyone",
  isMenuOnly: true, // as a message, its own turn would be open, and part of the stored data
  async run(call, account) {
    const { mayUse } = await import("../../flows/interactions/may_use.ts");
    const who = String(call.options["who"]).trim();
    const other = parseSnowflake<"user">(who);
    if (!other && who !== "me") return "Nothing is deleted: choose “me” to confirm.";
    if (other && !await mayUse(account, call, "owner")) return NOT_AUTHORIZED;
    const outcome = await forgetPerson(account, other ?? call.sender.id);
    account.log.info("A person asked to be forgotten, or an owner for them", {
      interactionId: call.id,
      by: call.sender.id,
      outcome,
    });
    const whose = other ? `of <@${other}>` : "of yours";
    return outcome === "forgotten"
      ? `I have deleted everything that I had stored ${other ? whose : "of you"}.`
      : `I am still working on a message ${whose}. Try again when it is answered, or use ` +
        "`/stop` first.";
  },
};

/** While a turn of theirs is open, it removes nothing. */
async function forgetPerson(account: BotAccount, id: UserId): Promise<"forgotten" | "open turns"> {
  const { bot, store: { forgetting } } = account;
  const forgotten = await forgetting.forget(id, true);
  if (forgotten === "open turns") return "open turns";
  await bot.media.folder.forget(id);
  dropLogins(bot.dataDir, id);
  changedInAll(bot, "forgetting", id);
  return "forgotten";
}
