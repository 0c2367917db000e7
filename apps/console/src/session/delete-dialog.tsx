import { useAgentService, useSessionSelector, type SessionSnapshot } from "@hhopkins/agent-runtime-react";
import { useLocation } from "wouter";
import { paths } from "../routes.ts";
import { Confirm } from "../ui/confirm.tsx";
import { useToast } from "../ui/toast.tsx";

const nameOf = ({ state }: SessionSnapshot): string | undefined => state?.name;

export function DeleteDialog({ sessionId, onClose }: { readonly sessionId: string; readonly onClose: () => void }) {
  const { client } = useAgentService();
  const [, navigate] = useLocation();
  const toast = useToast();
  const name = useSessionSelector(sessionId, nameOf) ?? sessionId;
  return (
    <Confirm
      open
      danger
      title="Delete this session?"
      action="Delete"
      onOpenChange={(open) => !open && onClose()}
      onConfirm={async () => {
        await client.deleteSession(sessionId);
        navigate(paths.home);
        toast(`${name} was deleted.`);
      }}
    >
      <p className="break-words">
        “{name}” goes for good, for everybody: its conversation, its log, its files, and the sandbox with what runs in
        it. This cannot be taken back; export it first to keep a copy.
      </p>
    </Confirm>
  );
}
