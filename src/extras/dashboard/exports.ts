/** Exports what other extras use of this one. */

export { requestLink } from "./print_link.ts";
export { DASHBOARD } from "./routes.ts";
