QUENBY, Arrland (CNN) -- Halvorsen & Daughters, which has made whistling kettles in the same brick factory since 1896, filed for bankruptcy on Monday with debts of 12 million dollars.

All 140 workers were told at the start of the morning shift. Production will go on for six weeks so that existing orders can be filled, the company said, and an administrator will then look for a buyer.

Sales have fallen by half in four years. Company president Birgit Halvorsen, the great-granddaughter of the founder, said that electric kettles were not the chief cause. "We lived alongside those for decades," she said. "What hurt us was the price of copper and one very bad loan."

The loan, taken out in 2011, paid for an automated polishing line that never worked as promised. A lawsuit against its supplier was thrown out last month.

Outside the gate, Leon Aster, who has soldered spouts for 33 years, said that he was not surprised. "You can hear it when a factory goes quiet," he said. "First they turn off one machine, then the next."

Two rival manufacturers are said to be interested in the brand, though not in the building.

@highlight

Kettle maker Halvorsen & Daughters files for bankruptcy after nearly 120 years

@highlight

All 140 workers were told on Monday; production goes on for six weeks

@highlight

The company's president blames copper prices and a bad loan
