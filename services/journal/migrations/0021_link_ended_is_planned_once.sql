-- As before, in a language whose statements are planned once for each connection.
CREATE OR REPLACE FUNCTION journal_link_ended(p_link uuid) RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN COALESCE((SELECT c.changed_at FROM public.couples c WHERE c.couple_id = p_link AND c.version > 1),
                    (SELECT c.changed_at FROM public.circles c WHERE c.circle_id = p_link AND c.version > 1));
END $$;
