-- As before, in a language whose statements are planned once for each connection. As SQL it was planned anew in every
-- statement that asks, which took longer than asking.
CREATE OR REPLACE FUNCTION chassis.admits(
    p_owner uuid, p_reader uuid, p_session uuid, p_epoch bigint, p_ends timestamptz, p_now timestamptz
) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN p_now < p_ends
        AND NOT EXISTS (SELECT 1 FROM chassis.access_epoch e
                        WHERE e.owner_id = p_owner AND e.reader_id = p_reader AND e.epoch > p_epoch)
        AND NOT EXISTS (SELECT 1 FROM chassis.ended_session s WHERE s.session_id = p_session);
END $$;
