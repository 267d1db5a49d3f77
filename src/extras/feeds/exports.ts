/** Exports what other extras use of this one. */

export { feedsOf, type ListedFeed, placeText } from "./command.ts";
