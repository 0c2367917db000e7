import { adapterRows } from "./names/adapters.ts";
import { askRows } from "./names/asks.ts";
import { archiveRows } from "./names/archives.ts";
import { clientStoreRows } from "./names/client-stores.ts";
import { commandRows } from "./names/command.ts";
import { environmentRows } from "./names/environments.ts";
import { eventRows } from "./names/events.ts";
import { hostToolRows } from "./names/host-tools.ts";
import { subagentRows } from "./names/subagents.ts";
import { forkRows } from "./names/forks.ts";
import { libraryRows } from "./names/library.ts";
import { messageRows } from "./names/messages.ts";
import { modalDoubleRows } from "./names/modal-double.ts";
import { networkRows } from "./names/network.ts";
import { profileRows } from "./names/profiles.ts";
import { reactRows } from "./names/react.ts";
import { restRows } from "./names/rest.ts";
import type { Row } from "./names/row.ts";
import { sessionOverviewRows } from "./names/session-overviews.ts";
import { tokenRows } from "./names/tokens.ts";
import { typeRows } from "./names/types.ts";
import { wireRows } from "./names/wire.ts";
import { writtenFileRows } from "./names/written-files.ts";

/**
 * Every name that the contract and the protocol give to users. Each has the test that fails when the name does
 * nothing, or the later piece of work that brings it.
 */
export const NAMES: readonly Row[] = [
  ...libraryRows,
  ...adapterRows,
  ...restRows,
  ...eventRows,
  ...typeRows,
  ...archiveRows,
  ...messageRows,
  ...askRows,
  ...forkRows,
  ...subagentRows,
  ...commandRows,
  ...wireRows,
  ...environmentRows,
  ...modalDoubleRows,
  ...networkRows,
  ...profileRows,
  ...hostToolRows,
  ...clientStoreRows,
  ...reactRows,
  ...tokenRows,
  ...sessionOverviewRows,
  ...writtenFileRows,
];
