-- Put an event into the journal, unless it was there before: its marks tell, and are set in the same step.
-- KEYS: journal, marks…. ARGV: field, packed event, seconds that the marks are kept. Gives 1, or 0 when nothing was done.
for mark = 2, #KEYS do
  if redis.call('EXISTS', KEYS[mark]) == 1 then
    return 0
  end
end
for mark = 2, #KEYS do
  redis.call('SET', KEYS[mark], 1, 'EX', ARGV[3])
end
redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2])
return 1
