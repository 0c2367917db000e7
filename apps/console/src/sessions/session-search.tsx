import { ListFilter, Search, X } from "lucide-react";
import { useId, useState } from "react";
import { Button } from "../ui/button.tsx";
import { countText } from "../ui/format.ts";
import { Input } from "../ui/input.tsx";
import { Select } from "../ui/select.tsx";
import { useProfiles } from "../profiles/use-profiles.ts";
import { DOING, narrowing, NO_FILTER, type Doing } from "./session-filter.ts";
import { useSessionListing } from "./session-listing.tsx";

/** The field's id, by which the command that searches finds it. */
export const SEARCH_FIELD = "search-sessions";

/** What narrows the list: words, and behind a button profile, doings and days. */
export function SessionSearch() {
  const { filter, setFilter } = useSessionListing();
  const [isOpen, setOpen] = useState(false);
  const fields = useId();
  const narrowed = narrowing(filter);
  return (
    <search className="flex shrink-0 flex-col gap-2 px-3 pb-2">
      <div className="flex gap-1.5">
        <div className="relative min-w-0 flex-1">
          <Search aria-hidden className="pointer-events-none absolute top-2 left-2 size-4 text-muted" />
          <Input
            id={SEARCH_FIELD}
            type="search"
            aria-label="Search the sessions by name, id or profile"
            placeholder="Search"
            className="pl-8"
            value={filter.text}
            onChange={(event) => setFilter({ text: event.target.value })}
            onKeyDown={(event) => event.key === "Escape" && setFilter({ text: "" })}
          />
        </div>
        <Button
          icon
          aria-label={narrowed === 0 ? "Filters" : `Filters, ${narrowed} set`}
          aria-expanded={isOpen}
          aria-controls={fields}
          className={narrowed > 0 ? "border-accent text-accent" : ""}
          onClick={() => setOpen(!isOpen)}
        >
          <ListFilter />
        </Button>
      </div>
      {isOpen && <FilterFields id={fields} />}
      <SearchProgress />
    </search>
  );
}

function FilterFields({ id }: { readonly id: string }) {
  const { filter, setFilter } = useSessionListing();
  const { profiles } = useProfiles();
  return (
    <div id={id} className="grid grid-cols-2 gap-1.5 rounded-md border bg-canvas p-2">
      <Select
        className="col-span-2"
        aria-label="Profile"
        value={filter.profile}
        onChange={(event) => setFilter({ profile: event.target.value })}
        options={[
          { value: "", label: "Every profile" },
          ...profiles.map(({ id: value, name }) => ({ value, label: name === value ? value : `${name} (${value})` })),
        ]}
      />
      <Select
        className="col-span-2"
        aria-label="What they do"
        value={filter.doing}
        onChange={(event) => setFilter({ doing: event.target.value as Doing })}
        options={DOING}
      />
      <label className="flex min-w-0 flex-col text-xs text-muted">
        Active from
        <Input type="date" value={filter.from} onChange={(event) => setFilter({ from: event.target.value })} />
      </label>
      <label className="flex min-w-0 flex-col text-xs text-muted">
        to
        <Input type="date" value={filter.to} onChange={(event) => setFilter({ to: event.target.value })} />
      </label>
      {narrowing(filter) > 0 && (
        <Button tone="ghost" className="col-span-2" onClick={() => setFilter({ ...NO_FILTER, text: filter.text })}>
          <X />
          Clear the filters
        </Button>
      )}
    </div>
  );
}

function SearchProgress() {
  const { filter, sessions, found, isSearching, isBounded, error, refresh } = useSessionListing();
  if (error !== undefined && error.code !== "unreachable")
    return (
      <p role="alert" className="flex items-center gap-2 text-sm text-bad">
        <span className="min-w-0 flex-1">{error.message}</span>
        <Button onClick={() => void refresh()}>Try again</Button>
      </p>
    );
  if (filter.text.trim() === "" && filter.doing === "") return null;
  return (
    <p role="status" className="text-xs text-muted">
      {isSearching && `${countText(sessions.length)} looked through, going on …`}
      {!isSearching && !isBounded && `${found.length} of ${countText(sessions.length)} sessions`}
      {isBounded &&
        `The latest ${countText(sessions.length)} were looked through. Narrow by profile or days for older ones.`}
    </p>
  );
}
