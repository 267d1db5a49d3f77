/**
 * Keys of `messages.texts`: answers to `/allowlist`.
 *
 * @module
 */

import { sentence } from "./sentence.ts";

/** These keys. */
export const allowlistTexts = () => ({
  allowlistEntries: sentence("allowlistEntries", "`{rule}` lässt diese Leute mit mir reden:"),
  allowlistEmpty: sentence("allowlistEmpty", "`{rule}` ist leer."),
  allowlistPaired: sentence("allowlistPaired", "Gekoppelt sind außerdem:"),
  allowlistNone: sentence("allowlistNone", "Hier gibt es keine Liste, alle dürfen."),
  allowlistWouldClose: sentence(
    "allowlistWouldClose",
    "Das schlösse alle anderen aus: `{command}`",
  ),
  allowlistWouldCloseAll: sentence(
    "allowlistWouldCloseAll",
    "Das schlösse alle anderen Server aus: `{command}`",
  ),
  allowlistSeveral: sentence("allowlistSeveral", "Hier gelten zwei Listen: {rules}"),
  allowlistClosed: sentence("allowlistClosed", "Dort schweige ich, wegen `{rule}`."),
  allowlistNoGuild: sentence("allowlistNoGuild", "Das geht nur auf dem Server selbst."),
  allowlistOff: sentence("allowlistOff", "Das ist aus: `commands.config`"),
  allowlistNoUser: sentence("allowlistNoUser", "{id} gibt es bei Discord nicht."),
  allowlistAdded: sentence("allowlistAdded", "{person} steht jetzt auf `{rule}`."),
  allowlistPresent: sentence("allowlistPresent", "{person} steht schon auf `{rule}`."),
  allowlistRemoved: sentence("allowlistRemoved", "{person} steht nicht mehr auf `{rule}`."),
  allowlistAbsent: sentence("allowlistAbsent", "{person} steht nicht auf `{rule}`."),
  allowlistUnpaired: sentence("allowlistUnpaired", "Die Kopplung ist auch beendet."),
  allowlistEveryone: sentence("allowlistEveryone", "Wegen `*` dürfen ohnehin alle."),
  allowlistAdmitsNoOne: sentence("allowlistAdmitsNoOne", "Die Liste ist jetzt leer."),
  allowlistFailed: sentence("allowlistFailed", "Das ging nicht: {problem}. Versuch `{command}`"),
} as const);
