/** The mark: a log, and what it has last. */
export function Logo() {
  return (
    <svg aria-hidden viewBox="0 0 20 20" className="size-5 shrink-0">
      <rect width="20" height="20" rx="5" className="fill-accent" />
      <path d="M5 6.5h10M5 10h7M5 13.5h4" strokeWidth="1.8" strokeLinecap="round" className="stroke-accent-ink" />
      <circle cx="14" cy="13.5" r="1.6" className="fill-accent-ink" />
    </svg>
  );
}
