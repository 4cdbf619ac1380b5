ELDRIDGE, Kanowa (CNN) -- A school bus driver ran a quarter of a mile along a railroad track on Tuesday, waving a child's orange raincoat, and stopped a freight train short of a bridge that a flood had washed out.

LaVerne Tidewell, 57, had just pulled up at the Plum Creek crossing with 22 children on board. She could see from the driver's seat that the middle of the bridge was missing. She could also hear a horn.

"I told the fifth-graders they were in charge, I borrowed the brightest coat on the bus, and I went," she said.

Engineer Dale Brumley said that he saw "an orange dot jumping up and down" and put on the emergency brake. The train, which was pulling 74 cars of grain and six of chlorine, came to rest about 200 yards from the edge.

Officials at Midland & Gulf Railroad said that a flood sensor on the bridge had been reported faulty in February. Federal inspectors arrived in the afternoon.

The raincoat belongs to Kayleigh Munn, who is seven. She has been offered a ride in a locomotive, and has asked whether Mrs. Tidewell may drive.

@highlight

Bus driver LaVerne Tidewell stopped a freight train before a washed-out bridge

@highlight

She ran along the track waving a child's orange raincoat

@highlight

The train stopped about 200 yards from the edge

@highlight

A flood sensor on the bridge had been reported faulty in February
