export { openEvidenceSpool } from "./evidence-spool.ts";
export type { Journal } from "./file-journal.ts";
export { openJournal } from "./open-journal.ts";
export { journalOptions, type JournalOptions } from "./options.ts";
