/**
 * Marks messages with words of a person's own account (T13a). The mark stands in the message, so it holds
 * as long as Discord has it, and no reader takes the words into another conversation.
 */

import { SMALL } from "./footer_line.ts";

/** The line below or above the words, in Discord's small letters. */
export const PERSONAL = `${SMALL}🔒`;

export const HIDDEN = "(not shown: it is from a person's own account)";

export const isPersonal = (text: string): boolean => text.includes(PERSONAL);

export const withoutPersonal = (text: string): string => isPersonal(text) ? HIDDEN : text;
